#include "cli/result_file.hpp"

#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>

#include <fmt/format.h>

#include "libmdp/io/npz.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::cli {
namespace {

/// One array (or two) per field.
class ArrayWriter {
 public:
  explicit ArrayWriter(io::NpzWriter& out) : out_(out) {}

  void add(const std::string& prefix, const Result& result) {
    for (const auto& [key, value] : result.fields()) {
      const std::string name = prefix.empty() ? key : fmt::format("{}_{}", prefix, key);
      std::visit([&](const auto& v) { add_value(name, v); }, value);
    }
  }

 private:
  void add_value(const std::string& name, bool x) { add_value(name, std::int64_t{x}); }
  void add_value(const std::string& name, std::int64_t x) { out_.add(name, std::span(&x, 1), {}); }
  void add_value(const std::string& name, double x) { out_.add_scalar(name, x); }
  void add_value(const std::string& name, const std::string& x) { out_.add_text(name, x); }
  void add_value(const std::string& name, const std::vector<std::string>& x) { out_.add_texts(name, x); }
  template <class T>
  requires std::is_arithmetic_v<T>
  void add_value(const std::string& name, const std::vector<T>& x) { out_.add(name, x); }
  /// Rows of one length, as a matrix.
  template <class T>
  void add_value(const std::string& name, const std::vector<std::vector<T>>& rows) {
    std::vector<T> flat;
    for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
    const std::int64_t shape[] = {std::ssize(rows), rows.empty() ? 0 : std::ssize(rows.front())};
    if constexpr (std::is_arithmetic_v<T>)
      out_.add(name, std::span<const T>(flat), shape);
    else
      out_.add_texts(name, flat, shape);
  }
  template <class T>
  void add_value(const std::string& name, const Result::PerRowOf<T>& x) {
    add_value(name, x.values);
    if (!state_rows_written_) out_.add("state_rows", x.state_rows);
    state_rows_written_ = true;
  }
  void add_value(const std::string& name, const Result::Entries& x) {
    const std::int64_t shape[] = {static_cast<std::int64_t>(x.size()), static_cast<std::int64_t>(x.width)};
    out_.add(name + "_positions", std::span<const std::int64_t>(x.positions), shape);
    if (!x.values.empty()) out_.add(name, x.values);
  }
  void add_value(const std::string& name, const Result::Nested& x) { add(name, x.only.front()); }
  void add_value(const std::string& name, const std::vector<Result>& list) {
    std::vector<std::string> lines;
    lines.reserve(list.size());
    for (const Result& one : list) lines.push_back(one.line());
    out_.add_texts(name, lines);
  }

  io::NpzWriter& out_;
  bool state_rows_written_ = false;
};

}  // namespace

bool is_result_file(const std::string& path) { return path.ends_with(".json") || path.ends_with(".npz"); }

void write_result(const std::string& path, const Result& result) {
  if (path.ends_with(".json")) return io::write_file(path, std::string_view(result.json()));
  io::NpzWriter out(path);
  ArrayWriter(out).add("", result);
  out.commit();
}

}  // namespace mdp::cli
