#include "cli/result.hpp"

#include <charconv>
#include <cmath>
#include <string_view>

#include <nlohmann/json.hpp>

namespace mdp::cli {
namespace {

void write(std::string& out, bool x) { out += x ? "true" : "false"; }

void write(std::string& out, std::int64_t x) { out += std::to_string(x); }

void write(std::string& out, double x) {
  if (std::isnan(x)) {
    out += "null";
    return;
  }
  if (std::isinf(x)) {
    out += x > 0 ? "\"inf\"" : "\"-inf\"";
    return;
  }
  char digits[32];
  const char* end = std::to_chars(std::begin(digits), std::end(digits), x).ptr;
  const std::string_view text(digits, static_cast<std::size_t>(end - digits));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";  // a double stays one in other languages
}

void write(std::string& out, const std::string& x) {
  out += nlohmann::json(x).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write(std::string& out, const Result& x);
template <class T>
void write(std::string& out, const std::vector<T>& items);

template <class T>
void write_list(std::string& out, std::span<const T> items) {
  out += '[';
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ", ";
    write(out, items[i]);
  }
  out += ']';
}

template <class T>
void write(std::string& out, const std::vector<T>& items) {
  write_list(out, std::span<const T>(items));
}

template <class T>
void write(std::string& out, const Result::PerRowOf<T>& x) {
  out += '[';
  for (std::size_t s = 0; s + 1 < x.state_rows.size(); ++s) {
    if (s > 0) out += ", ";
    const auto first = static_cast<std::size_t>(x.state_rows[s]);
    const auto last = static_cast<std::size_t>(x.state_rows[s + 1]);
    write_list(out, std::span<const T>(x.values).subspan(first, last - first));
  }
  out += ']';
}

void write(std::string& out, const Result::Entries& x) {
  const std::size_t n_values = x.size() == 0 ? 0 : x.values.size() / x.size();
  out += '[';
  for (std::size_t i = 0; i < x.size(); ++i) {
    out += i > 0 ? ", [" : "[";
    for (std::size_t j = 0; j < x.width + n_values; ++j) {
      if (j > 0) out += ", ";
      if (j < x.width) {
        write(out, x.positions[i * x.width + j]);
      } else {
        write(out, x.values[i * n_values + j - x.width]);
      }
    }
    out += ']';
  }
  out += ']';
}

void write(std::string& out, const Result::Nested& x) { write(out, x.only.front()); }

void write_object(std::string& out, const Result& x, std::string_view before_key, std::string_view before_end) {
  out += '{';
  bool first = true;
  for (const auto& [key, value] : x.fields()) {
    if (!first) out += ',';
    out += first && before_key == " " ? "" : before_key;
    first = false;
    write(out, key);
    out += ": ";
    std::visit([&](const auto& v) { write(out, v); }, value);
  }
  out += before_end;
  out += '}';
}

void write(std::string& out, const Result& x) { write_object(out, x, " ", ""); }

}  // namespace

void Result::set(std::string key, double x) {
  if (!std::isnan(x)) add(std::move(key), x);
}

void Result::set(std::string key, std::span<const Action> x) {
  add(std::move(key), std::vector<std::int64_t>(x.begin(), x.end()));
}

std::string Result::json() const {
  std::string out;
  write_object(out, *this, "\n  ", "\n");
  out += '\n';
  return out;
}

std::string Result::line() const {
  std::string out;
  write(out, *this);
  return out;
}

}  // namespace mdp::cli
