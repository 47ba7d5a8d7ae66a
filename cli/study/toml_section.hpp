// cli/study/toml_section.hpp — a table of a TOML file whose every key must be asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "libmdp/mdp.hpp"

namespace mdp::cli::study {

/// One table while it is read. Wrong types, values out of range and keys that nobody asked for are InputErrors that name
/// the file, the line and the key.
class TomlSection {
 public:
  /// \param name  for messages, e.g. "world"; "" for the top of the file
  TomlSection(std::string file, std::string name, const toml::table& table);

  [[nodiscard]] bool has(const std::string& key) const { return table_->contains(key); }
  [[nodiscard]] std::string text(const std::string& key, std::optional<std::string> otherwise = {});
  /// One of the words.
  [[nodiscard]] std::string word(const std::string& key, const std::vector<std::string>& allowed,
                                 std::optional<std::string> otherwise = {});
  [[nodiscard]] std::int64_t integer(const std::string& key, std::int64_t least,
                                     std::optional<std::int64_t> otherwise = {});
  /// A positive finite number, or, with zero_allowed, a non-negative one.
  [[nodiscard]] double number(const std::string& key, bool zero_allowed, std::optional<double> otherwise = {});
  /// A decimal as written or a text "a/b".
  [[nodiscard]] std::optional<TwoDouble> fraction(const std::string& key);
  [[nodiscard]] std::optional<Discount> discount(const std::string& key);
  [[nodiscard]] std::vector<std::int64_t> integers(const std::string& key, std::vector<std::int64_t> otherwise);
  /// Finite numbers; none if the key is absent.
  [[nodiscard]] std::vector<double> numbers(const std::string& key);
  [[nodiscard]] std::vector<std::string> texts(const std::string& key);
  /// A table below this one; an empty one if it is absent.
  [[nodiscard]] TomlSection section(const std::string& key);
  /// The tables of an array, [[key]].
  [[nodiscard]] std::vector<TomlSection> sections(const std::string& key);

  /// \throws InputError if a key was never asked for, with the nearest one that was.
  void finish() const;
  [[noreturn]] void fail(const std::string& key, const std::string& what) const;

 private:
  [[nodiscard]] const toml::node* find(const std::string& key);
  [[nodiscard]] std::string full(const std::string& key) const;
  template <class T>
  [[nodiscard]] T value(const std::string& key, const char* kind, std::optional<T> otherwise);
  [[nodiscard]] std::optional<std::string> number_text(const std::string& key);

  std::string file_;
  std::string name_;
  const toml::table* table_;
  std::set<std::string> asked_;
};

}  // namespace mdp::cli::study
