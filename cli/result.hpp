// cli/result.hpp — what a command found out, under the stable keys of docs/program.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::cli {

/// An ordered object of scalars, arrays and objects; one for --json, for .json and for .npz files. Infinities are
/// the strings "inf" and "-inf" in JSON; a scalar that was not computed (NaN) is left out, in an array it is null.
class Result {
 public:
  /// One element per state and action, shaped as `q`: per state, its actions in order.
  template <class T>
  struct PerRowOf {
    std::vector<std::int64_t> state_rows;  ///< [n_states+1]
    std::vector<T> values;                 ///< [n_rows]
  };
  using PerRow = PerRowOf<double>;
  using PerRowText = PerRowOf<std::string>;
  /// A list of positions and, perhaps, a number each: [[s, a, s', p], …].
  struct Entries {
    std::size_t width = 1;                ///< positions per entry
    std::vector<std::int64_t> positions;  ///< [n_entries * width]
    std::vector<double> values;           ///< [n_entries * k], k >= 0 numbers per entry

    [[nodiscard]] std::size_t size() const { return positions.size() / width; }
  };
  struct Nested {
    std::vector<Result> only;  ///< exactly one (a vector, since Result is not complete here)
  };
  using Value =
      std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>,
                   std::vector<std::string>, std::vector<std::vector<std::int64_t>>, std::vector<std::vector<double>>,
                   std::vector<std::vector<std::string>>, PerRow, PerRowText, Entries, Nested, std::vector<Result>>;
  struct Field {
    std::string key;
    Value value;
  };

  void set(std::string key, bool x) { add(std::move(key), x); }
  void set(std::string key, double x);
  void set(std::string key, std::int64_t x) { add(std::move(key), x); }
  void set(std::string key, int x) { add(std::move(key), std::int64_t{x}); }
  void set(std::string key, std::string_view x) { add(std::move(key), std::string(x)); }
  void set(std::string key, const char* x) { add(std::move(key), std::string(x)); }
  void set(std::string key, std::vector<double> x) { add(std::move(key), std::move(x)); }
  void set(std::string key, std::vector<std::int64_t> x) { add(std::move(key), std::move(x)); }
  void set(std::string key, std::vector<std::string> x) { add(std::move(key), std::move(x)); }
  void set(std::string key, std::vector<std::vector<std::int64_t>> x) { add(std::move(key), std::move(x)); }
  void set(std::string key, std::vector<std::vector<double>> x) { add(std::move(key), std::move(x)); }
  void set(std::string key, std::vector<std::vector<std::string>> x) { add(std::move(key), std::move(x)); }
  void set(std::string key, std::vector<Result> x) { add(std::move(key), std::move(x)); }
  void set(std::string key, std::span<const Action> x);
  void set(std::string key, Result x) { add(std::move(key), Nested{{std::move(x)}}); }
  void set(std::string key, Entries x) { add(std::move(key), std::move(x)); }
  /// \param values  [n_rows] of `shape`
  template <class T>
  void set_rows(const std::string& key, const Mdp& shape, std::vector<T> values) {
    const auto rows = shape.state_rows();
    add(key, PerRowOf<T>{{rows.begin(), rows.end()}, std::move(values)});
  }

  [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }
  /// JSON text: one key a line at the top, one line for everything below it. Doubles in their shortest form that
  /// reads back to the same bits.
  [[nodiscard]] std::string json() const;
  /// The same on one line, without a newline at the end.
  [[nodiscard]] std::string line() const;

 private:
  void add(std::string key, Value value) { fields_.push_back({std::move(key), std::move(value)}); }

  std::vector<Field> fields_;
};

}  // namespace mdp::cli
