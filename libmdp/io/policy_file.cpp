// Policies and vectors of values: small JSON files, .npy and .npz (see read.hpp).
#include "libmdp/io/policy_file.hpp"

#include <cmath>
#include <string>

#include "libmdp/error.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/exact_arrays.hpp"
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

/// The probabilities of one state from an array of them, divided by their sum.
std::vector<mpq_class> read_probabilities(const JsonDocument& document, const Entry& entry, std::int64_t n_actions) {
  require_length(document, entry, n_actions, "action of the state");
  static const mpq_class smallest(1e-290);  // below it doubles and their tails are no longer accurate
  std::vector<mpq_class> exact;
  mpq_class sum = 0;
  document.each(entry.value, entry.place, [&](std::int64_t i, Value v) {
    exact.push_back(document.rational(v, entry.place[i]));
    if (sgn(exact.back()) < 0) document.fail(v, entry.place[i], "a probability must not be negative");
    if (sgn(exact.back()) > 0 && exact.back() < smallest) {
      document.fail(v, entry.place[i], "a probability must be 0 or at least 1e-290, not " + document.shown(v));
    }
    sum += exact.back();
  });
  if (abs(sum - 1) > mpq_class(1e-9)) {
    document.fail(entry.value, entry.place,
                  "the probabilities sum to " + shortest_text(nearest_double(sum)) + ", not to 1");
  }
  for (mpq_class& p : exact) p /= sum;
  return exact;
}

Extended number(const JsonDocument& document, Value v, const Place& place) {
  if (document.is(v, Kind::string)) {
    const std::string_view word = document.string(v, place);
    if (word == "inf") return Extended::infinity(1);
    if (word == "-inf") return Extended::infinity(-1);
  }
  return document.rational(v, place);
}

/// Calls f(i, number) for each entry of the vector that the file holds.
template <class F>
void each_json_value(std::span<const std::byte> bytes, const std::string& file, std::int64_t n, std::string_view key,
                     F&& f) {
  const JsonDocument document(file, as_text(bytes));
  const Entry entry = array_or_member(document, key);
  require_length(document, entry, n, "state");
  document.each(entry.value, entry.place, [&](std::int64_t i, Value v) { f(i, number(document, v, entry.place[i])); });
}

std::vector<double> values_of_json(std::span<const std::byte> bytes, const std::string& file, std::int64_t n,
                                   std::string_view key) {
  std::vector<double> values;
  each_json_value(bytes, file, n, key, [&](std::int64_t, const Extended& x) { values.push_back(nearest(x)); });
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

std::vector<double> values_of_npz(std::span<const std::byte> bytes, const std::string& file, std::int64_t n,
                                  std::string_view key) {
  const std::string member = std::string(key) + ".npy";
  const Archive archive(bytes, ArchiveFormat::zip, file, [&](std::string_view name) { return name == member; });
  if (archive.members().empty()) throw InputError(file, "", "has no array \"" + std::string(key) + "\"");
  return values_of_npy(NpyArray(archive.members().front().bytes, file, std::string(key)), n);
}

}  // namespace

namespace {

/// Calls one(state, action) for each state with an action position and many(state, probabilities) for each with an array.
/// \param name  of a state, for messages
template <class Name, class One, class Many>
void each_policy_entry(const JsonDocument& document, const Entry& entry, std::span<const Offset> state_rows,
                       Name&& name, One&& one, Many&& many) {
  require_length(document, entry, static_cast<std::int64_t>(state_rows.size()) - 1, "state");
  document.each(entry.value, entry.place, [&](std::int64_t i, Value v) {
    const auto s = static_cast<std::size_t>(i);
    const Offset n_actions = state_rows[s + 1] - state_rows[s];
    if (document.is(v, Kind::array)) {
      many(s, read_probabilities(document, {v, entry.place[i]}, n_actions));
      return;
    }
    const std::int64_t action = document.integer(v, entry.place[i]);
    if (action < 0 || action >= n_actions) {
      document.fail(v, entry.place[i],
                    "state " + name(s) + " has no action " + std::to_string(action) + ": they are 0 to " +
                        std::to_string(n_actions - 1));
    }
    one(s, static_cast<Action>(action));
  });
}

/// Calls f(entry) for the policy of each stage that a file of results has.
template <class F>
void each_stage(const JsonDocument& document, F&& f) {
  if (!document.is(document.root(), Kind::object)) return;
  for (const auto& member : document.object(document.root(), {})) {
    if (member.key != "policy_by_stage") continue;
    const Place place{nullptr, member.key, -1};
    document.each(member.value, place, [&](std::int64_t i, Value v) { f(Entry{v, place[i]}); });
  }
}

PolicyFile policy_of(const JsonDocument& document, const Entry& entry, const Mdp& mdp) {
  PolicyFile policy;
  policy.deterministic = true;
  policy.probabilities.assign(static_cast<std::size_t>(mdp.n_rows()), 0.0);
  policy.tail = policy.probabilities;
  const auto first = [&](std::size_t s) { return static_cast<std::size_t>(mdp.state_rows()[s]); };
  each_policy_entry(
      document, entry, mdp.state_rows(), [&](std::size_t s) { return mdp.state_name(static_cast<State>(s)); },
      [&](std::size_t s, Action action) {
        policy.probabilities[first(s) + static_cast<std::size_t>(action)] = 1.0;
        policy.actions.push_back(action);
      },
      [&](std::size_t s, const std::vector<mpq_class>& exact) {
        policy.deterministic = false;
        for (std::size_t a = 0; a < exact.size(); ++a) {
          const TwoDouble p = to_two_double(exact[a]);
          policy.probabilities[first(s) + a] = p.hi;
          policy.tail[first(s) + a] = p.lo;
        }
      });
  (policy.deterministic ? policy.tail.clear() : policy.actions.clear());
  return policy;
}

std::vector<mpq_class> exact_policy_of(const JsonDocument& document, const Entry& entry,
                                       std::span<const Offset> state_rows) {
  std::vector<mpq_class> weight(static_cast<std::size_t>(state_rows.back()));
  const auto first = [&](std::size_t s) { return static_cast<std::size_t>(state_rows[s]); };
  each_policy_entry(
      document, entry, state_rows, [](std::size_t s) { return std::to_string(s); },
      [&](std::size_t s, Action action) { weight[first(s) + static_cast<std::size_t>(action)] = 1; },
      [&](std::size_t s, const std::vector<mpq_class>& exact) {
        for (std::size_t a = 0; a < exact.size(); ++a) weight[first(s) + a] = exact[a];
      });
  return weight;
}

}  // namespace

PolicyFile parse_policy(std::span<const std::byte> bytes, const std::string& file, const Mdp& mdp) {
  const JsonDocument document(file, as_text(bytes));
  return policy_of(document, array_or_member(document, "policy"), mdp);
}

std::vector<PolicyFile> read_policy_by_stage(const std::string& path, const Mdp& mdp) {
  const FileBytes bytes(path);
  const JsonDocument document(path, as_text(bytes.bytes()));
  std::vector<PolicyFile> stages;
  each_stage(document, [&](const Entry& entry) { stages.push_back(policy_of(document, entry, mdp)); });
  return stages;
}

std::vector<mpq_class> read_exact_policy(const std::string& path, std::span<const Offset> state_rows) {
  const FileBytes bytes(path);
  const JsonDocument document(path, as_text(bytes.bytes()));
  return exact_policy_of(document, array_or_member(document, "policy"), state_rows);
}

std::vector<std::vector<mpq_class>> read_exact_policy_by_stage(const std::string& path,
                                                               std::span<const Offset> state_rows) {
  const FileBytes bytes(path);
  const JsonDocument document(path, as_text(bytes.bytes()));
  std::vector<std::vector<mpq_class>> stages;
  each_stage(document, [&](const Entry& entry) { stages.push_back(exact_policy_of(document, entry, state_rows)); });
  return stages;
}

std::vector<Extended> read_exact_values(const std::string& path, std::int64_t n) {
  std::vector<Extended> values;
  if (const std::string format = extension(path); format == "npy" || format == "npz") {
    for (const double x : read_values(path, n)) {
      values.push_back(std::isinf(x) ? Extended::infinity(x > 0.0 ? 1 : -1) : Extended(mpq_class(x)));
    }
    return values;
  }
  const FileBytes bytes(path);
  each_json_value(bytes.bytes(), path, n, "value", [&](std::int64_t, Extended&& x) { values.push_back(std::move(x)); });
  return values;
}

std::vector<TwoDouble> read_precise_values(const std::string& path, std::int64_t n) {
  std::vector<TwoDouble> values;
  for (const Extended& x : read_exact_values(path, n)) {
    values.push_back(x.is_finite() ? to_two_double(x.finite) : TwoDouble(x.infinite > 0 ? infinity : -infinity));
  }
  return values;
}

std::vector<double> parse_values(std::span<const std::byte> bytes, const std::string& file, std::int64_t n,
                                 std::string_view key) {
  const std::string format = extension(file);
  if (format == "npy") return values_of_npy(NpyArray(bytes, file, ""), n);
  if (format == "npz") return values_of_npz(bytes, file, n, key);
  return values_of_json(bytes, file, n, key);
}

PolicyFile read_policy(const std::string& path, const Mdp& mdp) {
  return parse_policy(FileBytes(path).bytes(), path, mdp);
}

std::vector<double> read_values(const std::string& path, std::int64_t n, std::string_view key) {
  return parse_values(FileBytes(path).bytes(), path, n, key);
}

}  // namespace mdp::io
