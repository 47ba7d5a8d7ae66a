// Policies and vectors of values: small JSON files, .npy and .npz (see read.hpp).
#include "libmdp/io/policy_file.hpp"

#include <cmath>
#include <string>

#include "libmdp/error.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/json_document.hpp"
#include "libmdp/io/npy.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/io/read.hpp"

namespace mdp::io {
namespace {

using Value = JsonDocument::Value;
using Kind = JsonDocument::Kind;

/// The array that a file holds: its root, or the member `key` of a JSON object of results.
struct Entry {
  Value value;
  Place place;
};

Entry array_or_member(const JsonDocument& document, std::string_view key) {
  if (!document.is(document.root(), Kind::object)) return {document.root(), {}};
  for (const auto& member : document.object(document.root(), {})) {
    if (member.key == key) return {member.value, {nullptr, key, -1}};
  }
  document.fail(document.root(), {}, "must be an array, or an object with the key \"" + std::string(key) + "\"");
}

void require_length(const JsonDocument& document, const Entry& entry, std::int64_t n, const char* of_what) {
  if (!document.is(entry.value, Kind::array)) {
    document.fail(entry.value, entry.place, "must be an array, not " + document.shown(entry.value));
  }
  const std::int64_t length = document.size(entry.value);
  if (length == n) return;
  document.fail(entry.value, entry.place,
                "has " + std::to_string(length) + " entries, required " + std::to_string(n) + ", one per " + of_what);
}

/// Fills the probabilities of one state from an array of them.
void read_probabilities(const JsonDocument& document, const Entry& entry, std::span<double> probabilities) {
  require_length(document, entry, static_cast<std::int64_t>(probabilities.size()), "action of the state");
  std::vector<mpq_class> exact;
  mpq_class sum = 0;
  document.each(entry.value, entry.place, [&](std::int64_t i, Value v) {
    exact.push_back(document.rational(v, entry.place[i]));
    if (sgn(exact.back()) < 0) document.fail(v, entry.place[i], "a probability must not be negative");
    sum += exact.back();
  });
  if (abs(sum - 1) > mpq_class(1e-9)) {
    document.fail(entry.value, entry.place,
                  "the probabilities sum to " + shortest_text(nearest_double(sum)) + ", not to 1");
  }
  for (std::size_t i = 0; i < exact.size(); ++i) probabilities[i] = nearest_double(exact[i] / sum);
}

double number(const JsonDocument& document, Value v, const Place& place) {
  if (document.is(v, Kind::string)) {
    const std::string_view word = document.string(v, place);
    if (word == "inf") return infinity;
    if (word == "-inf") return -infinity;
  }
  return nearest_double(document.rational(v, place));
}

std::vector<double> values_of_json(std::span<const std::byte> bytes, const std::string& file, std::int64_t n) {
  const JsonDocument document(file, as_text(bytes));
  const Entry entry = array_or_member(document, "value");
  require_length(document, entry, n, "state");
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(n));
  document.each(entry.value, entry.place,
                [&](std::int64_t i, Value v) { values.push_back(number(document, v, entry.place[i])); });
  return values;
}

std::vector<double> values_of_npy(const NpyArray& array, std::int64_t n) {
  array.require_vector(n);
  const Buffer<double> values = array.doubles();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) array.fail("entry " + std::to_string(i) + " is not a number");
  }
  return {values.begin(), values.end()};
}

std::vector<double> values_of_npz(std::span<const std::byte> bytes, const std::string& file, std::int64_t n) {
  const Archive archive(bytes, ArchiveFormat::zip, file, [](std::string_view name) { return name == "value.npy"; });
  if (archive.members().empty()) throw InputError(file, "", "has no array \"value\"");
  return values_of_npy(NpyArray(archive.members().front().bytes, file, "value"), n);
}

}  // namespace

PolicyFile parse_policy(std::span<const std::byte> bytes, const std::string& file, const Mdp& mdp) {
  const JsonDocument document(file, as_text(bytes));
  const Entry entry = array_or_member(document, "policy");
  require_length(document, entry, mdp.n_states(), "state");
  PolicyFile policy;
  policy.deterministic = true;
  policy.probabilities.assign(static_cast<std::size_t>(mdp.n_rows()), 0.0);
  document.each(entry.value, entry.place, [&](std::int64_t i, Value v) {
    const auto s = static_cast<State>(i);
    const auto first = static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(i)]);
    const auto probabilities =
        std::span(policy.probabilities).subspan(first, static_cast<std::size_t>(mdp.n_actions(s)));
    if (document.is(v, Kind::array)) {
      policy.deterministic = false;
      return read_probabilities(document, {v, entry.place[i]}, probabilities);
    }
    const std::int64_t action = document.integer(v, entry.place[i]);
    if (action < 0 || action >= mdp.n_actions(s)) {
      document.fail(v, entry.place[i],
                    "state " + mdp.state_name(s) + " has no action " + std::to_string(action) + ": they are 0 to " +
                        std::to_string(mdp.n_actions(s) - 1));
    }
    probabilities[static_cast<std::size_t>(action)] = 1.0;
    policy.actions.push_back(static_cast<Action>(action));
  });
  if (!policy.deterministic) policy.actions.clear();
  return policy;
}

std::vector<double> parse_values(std::span<const std::byte> bytes, const std::string& file, std::int64_t n) {
  const std::string format = extension(file);
  if (format == "npy") return values_of_npy(NpyArray(bytes, file, ""), n);
  if (format == "npz") return values_of_npz(bytes, file, n);
  return values_of_json(bytes, file, n);
}

PolicyFile read_policy(const std::string& path, const Mdp& mdp) {
  return parse_policy(FileBytes(path).bytes(), path, mdp);
}

std::vector<double> read_values(const std::string& path, std::int64_t n) {
  return parse_values(FileBytes(path).bytes(), path, n);
}

}  // namespace mdp::io
