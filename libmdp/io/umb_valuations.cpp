#include "libmdp/io/umb_valuations.hpp"

#include <bit>
#include <unordered_set>

#include "libmdp/io/rational.hpp"

namespace mdp::io {
namespace {

constexpr const char* member = "valuations/states/valuations.bin";

/// Names are for people; those of more states would take more memory than the model.
constexpr std::int64_t most_named_states = 1'000'000;
constexpr std::int64_t most_row_bits = std::int64_t{1} << 20;

/// `n` bits of a row, n <= 64, from bit `first` on.
std::uint64_t bits(std::span<const std::byte> row, std::int64_t first, std::int64_t n) {
  std::uint64_t value = 0;
  for (std::int64_t i = n; i-- > 0;) {
    const auto byte = std::to_integer<unsigned>(row[static_cast<std::size_t>((first + i) / 8)]);
    value = value << 1 | (byte >> ((first + i) % 8) & 1u);
  }
  return value;
}

/// The value of a variable as text.
std::string value_text(const UmbVariable& variable, std::uint64_t value, const std::vector<std::string>& strings) {
  const std::int64_t n = variable.type.bits;
  if (variable.type.name == "bool") return value != 0 ? "true" : "false";
  if (variable.type.name == "double") return shortest_text(std::bit_cast<double>(value));
  if (variable.type.name == "string") return value < strings.size() ? strings[value] : "";
  if (variable.type.name == "int" && n < 64 && (value >> (n - 1) & 1) != 0) value |= ~std::uint64_t{0} << n;
  value += static_cast<std::uint64_t>(variable.offset);
  const bool is_signed = variable.type.name == "int" || variable.offset < 0;
  return is_signed ? std::to_string(static_cast<std::int64_t>(value)) : std::to_string(value);
}

bool is_readable(const UmbVariable& variable) {
  const std::string& type = variable.type.name;
  return variable.name.empty() || (variable.type.bits <= 64 && (type == "bool" || type == "int" || type == "uint" ||
                                                                type == "double" || type == "string"));
}

std::string row_name(std::span<const std::byte> row, const std::vector<UmbVariable>& variables,
                     const std::vector<std::string>& strings) {
  std::string name;
  std::int64_t at = 0;
  for (const UmbVariable& v : variables) {
    const bool there = !v.is_optional || bits(row, at++, 1) != 0;
    if (!v.name.empty() && there) {
      name.append(name.empty() ? "" : ",").append(v.name).append("=");
      name += value_text(v, bits(row, at, v.type.bits), strings);
    }
    at += v.type.bits;
  }
  return name;
}

}  // namespace

std::vector<std::string> names_of_valuations(const UmbMembers& members, const UmbIndex& index) {
  const std::vector<UmbVariable>& variables = index.state_variables;
  if (index.n_states > most_named_states) return {};
  std::int64_t row_bits = 0;
  for (const UmbVariable& v : variables) {
    if (!is_readable(v) || v.type.bits > most_row_bits - row_bits) return {};
    row_bits += v.type.bits + (v.is_optional ? 1 : 0);
  }
  if (row_bits == 0 || row_bits % 8 != 0 || !members.has(member)) return {};
  const auto data = *members.bytes(member, row_bits / 8 * index.n_states);
  const auto strings =
      members.strings("valuations/states/string-mapping.bin", "valuations/states/strings.bin", 1 << 30);
  std::vector<std::string> names;
  std::unordered_set<std::string> seen;
  for (std::int64_t s = 0; s < index.n_states; ++s) {
    const auto row = data.subspan(static_cast<std::size_t>(s * row_bits / 8), static_cast<std::size_t>(row_bits / 8));
    std::string name = row_name(row, variables, strings);
    if (name.empty() || !seen.insert(name).second) return {};
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace mdp::io
