#include "cli/study/toml_section.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/usage.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/number.hpp"

namespace mdp::cli::study {
namespace {

const toml::table nothing;

std::string line_of(const toml::node& node) { return fmt::format("line {}", node.source().begin.line); }

}  // namespace

TomlSection::TomlSection(std::string file, std::string name, const toml::table& table)
    : file_(std::move(file)), name_(std::move(name)), table_(&table) {}

std::string TomlSection::full(const std::string& key) const { return name_.empty() ? key : name_ + "." + key; }

void TomlSection::fail(const std::string& key, const std::string& what) const {
  const toml::node* node = table_->get(key);
  const toml::node& place = node == nullptr ? static_cast<const toml::node&>(*table_) : *node;
  throw InputError(file_, place.source().begin.line > 0 ? line_of(place) : "", full(key) + ": " + what);
}

const toml::node* TomlSection::find(const std::string& key) {
  asked_.insert(key);
  return table_->get(key);
}

template <class T>
T TomlSection::value(const std::string& key, const char* kind, std::optional<T> otherwise) {
  const toml::node* node = find(key);
  if (node == nullptr) {
    if (otherwise) return *otherwise;
    fail(key, fmt::format("is missing ({})", kind));
  }
  const auto found = node->value_exact<T>();
  if (!found) fail(key, fmt::format("must be {}", kind));
  return *found;
}

std::string TomlSection::text(const std::string& key, std::optional<std::string> otherwise) {
  return value<std::string>(key, "a text", std::move(otherwise));
}

std::string TomlSection::word(const std::string& key, const std::vector<std::string>& allowed,
                              std::optional<std::string> otherwise) {
  std::string found = text(key, std::move(otherwise));
  for (const std::string& word : allowed) {
    if (word == found) return found;
  }
  fail(key, fmt::format("'{}' is none of {}{}", found, fmt::join(allowed, ", "), suggestion(found, allowed)));
}

std::int64_t TomlSection::integer(const std::string& key, std::int64_t least, std::optional<std::int64_t> otherwise) {
  const auto found = value<std::int64_t>(key, "an integer", otherwise);
  if (found < least) fail(key, fmt::format("is {}, must be at least {}", found, least));
  return found;
}

double TomlSection::number(const std::string& key, bool zero_allowed, std::optional<double> otherwise) {
  const toml::node* node = find(key);
  if (node == nullptr) {
    if (otherwise) return *otherwise;
    fail(key, "is missing (a number)");
  }
  if (!node->is_number()) fail(key, "must be a number");
  const double found = node->value<double>().value();
  if (!std::isfinite(found) || found < 0 || (found == 0 && !zero_allowed)) {
    fail(key, fmt::format("is {}, must be finite and {}", found, zero_allowed ? "not negative" : "positive"));
  }
  return found;
}

std::optional<std::string> TomlSection::number_text(const std::string& key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto text = node->value_exact<std::string>()) return *text;
  if (node->is_number()) return fmt::format("{}", node->value<double>().value());  // shortest: the decimal as written
  fail(key, "must be a number or a text \"a/b\"");
}

std::optional<TwoDouble> TomlSection::fraction(const std::string& key) {
  const auto text = number_text(key);
  if (!text) return std::nullopt;
  const auto found = io::parse_number(*text);
  if (!found) fail(key, fmt::format("'{}' is not a number", *text));
  return found;
}

std::optional<Discount> TomlSection::discount(const std::string& key) {
  const auto text = number_text(key);
  if (!text) return std::nullopt;
  try {
    if (const auto found = io::parse_discount(*text)) return found;
  } catch (const InvalidOption& error) {
    fail(key, error.what());
  }
  fail(key, fmt::format("'{}' is not a number", *text));
}

std::vector<std::int64_t> TomlSection::integers(const std::string& key, std::vector<std::int64_t> otherwise) {
  const toml::node* node = find(key);
  if (node == nullptr) return otherwise;
  const toml::array* array = node->as_array();
  if (array == nullptr) fail(key, "must be an array of integers");
  std::vector<std::int64_t> found;
  for (const toml::node& element : *array) {
    const auto one = element.value_exact<std::int64_t>();
    if (!one) fail(key, "must be an array of integers");
    found.push_back(*one);
  }
  return found;
}

std::vector<double> TomlSection::numbers(const std::string& key) {
  const toml::node* node = find(key);
  if (node == nullptr) return {};
  const toml::array* array = node->as_array();
  if (array == nullptr) fail(key, "must be an array of numbers");
  std::vector<double> found;
  for (const toml::node& element : *array) {
    const auto one = element.is_number() ? element.value<double>() : std::nullopt;
    if (!one || !std::isfinite(*one)) fail(key, "must be an array of finite numbers");
    found.push_back(*one);
  }
  return found;
}

std::vector<std::string> TomlSection::texts(const std::string& key) {
  const toml::node* node = find(key);
  if (node == nullptr) return {};
  const toml::array* array = node->as_array();
  if (array == nullptr) fail(key, "must be an array of texts");
  std::vector<std::string> found;
  for (const toml::node& element : *array) {
    const auto one = element.value_exact<std::string>();
    if (!one) fail(key, "must be an array of texts");
    found.push_back(*one);
  }
  return found;
}

TomlSection TomlSection::section(const std::string& key) {
  const toml::node* node = find(key);
  if (node == nullptr) return {file_, full(key), nothing};
  const toml::table* table = node->as_table();
  if (table == nullptr) fail(key, "must be a table, [" + full(key) + "]");
  return {file_, full(key), *table};
}

std::vector<TomlSection> TomlSection::sections(const std::string& key) {
  const toml::node* node = find(key);
  std::vector<TomlSection> found;
  if (node == nullptr) return found;
  const toml::array* array = node->as_array();
  if (array == nullptr) fail(key, "must be an array of tables, [[" + full(key) + "]]");
  for (const toml::node& element : *array) {
    const toml::table* table = element.as_table();
    if (table == nullptr) fail(key, "must be an array of tables, [[" + full(key) + "]]");
    found.emplace_back(file_, fmt::format("{}[{}]", full(key), found.size()), *table);
  }
  return found;
}

void TomlSection::finish() const {
  const std::vector<std::string> known(asked_.begin(), asked_.end());
  for (const auto& [key, node] : *table_) {
    const std::string word(key.str());
    if (!asked_.contains(word)) {
      throw InputError(file_, line_of(node), fmt::format("no such key: {}{}", full(word), suggestion(word, known)));
    }
  }
}

}  // namespace mdp::cli::study
