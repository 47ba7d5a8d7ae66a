// cli/table.hpp — numbers and aligned tables for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mdp::cli {

/// Twelve significant digits; "inf", "-inf", and "-" for what was not computed.
[[nodiscard]] std::string number_text(double x);
/// Two significant digits, rounded up: still a bound. "-" for what was not computed.
[[nodiscard]] std::string bound_text(double x);
/// 12345678 as "12 345 678".
[[nodiscard]] std::string count_text(long long n);
/// A short time with its unit: "0.31 ms", "12.4 s".
[[nodiscard]] std::string seconds_text(double seconds);

enum class Align { left, right };

/// Rows of cells in aligned columns, two blanks apart; as Markdown where asked.
class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::right;
  };

  explicit Table(std::vector<Column> columns);

  /// \param cells  one per column
  void add(std::vector<std::string> cells);
  /// A line below the table ("… 980 more states").
  void note(std::string text);

  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string markdown() const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::string> notes_;
};

/// "name   value" lines, names padded to one width.
class Facts {
 public:
  void add(std::string name, std::string value);
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

}  // namespace mdp::cli
