#include "cli/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

namespace mdp::cli {
namespace {

// Characters on the screen: bytes that do not continue a UTF-8 sequence.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t to, Align align) {
  const std::size_t have = width(text);
  const std::string blanks(to > have ? to - have : 0, ' ');
  return align == Align::left ? fmt::format("{}{}", text, blanks) : fmt::format("{}{}", blanks, text);
}

}  // namespace

std::string number_text(double x) {
  if (std::isnan(x)) {
    return "-";
  }
  return fmt::format("{:.12g}", x == 0 ? 0.0 : x);
}

std::string bound_text(double x) {
  if (std::isnan(x)) {
    return "-";
  }
  if (x == 0 || std::isinf(x)) {
    return fmt::format("{:g}", x);
  }
  std::string text = fmt::format("{:.1e}", x);
  if (std::strtod(text.c_str(), nullptr) < x) {
    const double step = std::pow(10.0, std::floor(std::log10(x)) - 1);
    text = fmt::format("{:.1e}", std::strtod(text.c_str(), nullptr) + step);
  }
  return text;
}

std::string count_text(long long n) {
  std::string text = std::to_string(n);
  const std::size_t first = n < 0 ? 1 : 0;
  for (std::size_t i = text.size(); i > first + 3; i -= 3) {
    text.insert(i - 3, 1, ' ');
  }
  return text;
}

std::string seconds_text(double seconds) {
  if (std::isnan(seconds)) {
    return "-";
  }
  if (seconds < 1e-3) {
    return fmt::format("{:.3g} us", seconds * 1e6);
  }
  if (seconds < 1) {
    return fmt::format("{:.3g} ms", seconds * 1e3);
  }
  return seconds < 100 ? fmt::format("{:.3g} s", seconds) : fmt::format("{:.0f} s", seconds);
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

void Table::note(std::string text) { notes_.push_back(std::move(text)); }

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t w = width(columns_[i].title);
    for (const auto& row : rows_) {
      w = std::max(w, width(row[i]));
    }
    widths.push_back(w);
  }
  return widths;
}

std::string Table::text() const {
  const auto to = widths();
  std::string text;
  const auto line = [&](auto&& cell) {
    std::string one;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) one += "  ";
      one += padded(cell(i), to[i], columns_[i].align);
    }
    one.erase(one.find_last_not_of(' ') + 1);
    text += one + "\n";
  };
  line([&](std::size_t i) { return columns_[i].title; });
  for (const auto& row : rows_) {
    line([&](std::size_t i) { return row[i]; });
  }
  for (const auto& note : notes_) {
    text += note + "\n";
  }
  return text;
}

std::string Table::markdown() const {
  const auto to = widths();
  std::string text;
  const auto line = [&](auto&& cell) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      text += fmt::format("| {} ", padded(cell(i), to[i], columns_[i].align));
    }
    text += "|\n";
  };
  line([&](std::size_t i) { return columns_[i].title; });
  line([&](std::size_t i) {
    const std::string rule(std::max<std::size_t>(to[i], 2) - 1, '-');
    return columns_[i].align == Align::left ? fmt::format(":{}", rule) : fmt::format("{}:", rule);
  });
  for (const auto& row : rows_) {
    line([&](std::size_t i) { return row[i]; });
  }
  for (const auto& note : notes_) {
    text += "\n" + note + "\n";
  }
  return text;
}

void Facts::add(std::string name, std::string value) { lines_.emplace_back(std::move(name), std::move(value)); }

std::string Facts::text() const {
  std::size_t to = 0;
  for (const auto& [name, value] : lines_) {
    to = std::max(to, width(name));
  }
  std::string text;
  for (const auto& [name, value] : lines_) {
    text += padded(name, to, Align::left) + "  " + value + "\n";
  }
  return text;
}

}  // namespace mdp::cli
