#include "libmdp/io/coordinates.hpp"

#include <cmath>

#include "libmdp/error.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/json_document.hpp"
#include "libmdp/io/npy.hpp"
#include "libmdp/io/rational.hpp"

namespace mdp::io {
namespace {

Coordinates from_npy(const NpyArray& array, std::int64_t n_states) {
  const auto& shape = array.shape();
  if (shape.empty() || shape.size() > 2 || shape[0] != n_states || (shape.size() == 2 && shape[1] < 1)) {
    array.fail("must have the shape [" + std::to_string(n_states) + "] or [" + std::to_string(n_states) + ", d]");
  }
  const Buffer<double> values = array.doubles();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) array.fail("entry " + std::to_string(i) + " is not finite");
  }
  return {shape.size() == 2 ? static_cast<int>(shape[1]) : 1, {values.begin(), values.end()}};
}

Coordinates from_json(std::span<const std::byte> bytes, const std::string& file, std::int64_t n_states) {
  using Kind = JsonDocument::Kind;
  const JsonDocument document(file, as_text(bytes));
  const auto states = document.array(document.root(), {});
  if (static_cast<std::int64_t>(states.size()) != n_states) {
    document.fail(document.root(), {},
                  "has " + std::to_string(states.size()) + " entries, required " + std::to_string(n_states));
  }
  Coordinates points;
  for (std::size_t s = 0; s < states.size(); ++s) {
    const Place root;
    const Place place = root[static_cast<std::int64_t>(s)];
    const bool is_list = document.is(states[s], Kind::array);
    const auto n = is_list ? static_cast<int>(document.size(states[s])) : 1;
    if (s == 0) points.dimension = n;
    if (n != points.dimension || n < 1) {
      document.fail(states[s], place,
                    "has " + std::to_string(n) + " coordinates, the first state has " +
                        std::to_string(points.dimension) + " (at least 1)");
    }
    if (!is_list) {
      points.values.push_back(nearest_double(document.rational(states[s], place)));
      continue;
    }
    document.each(states[s], place, [&](std::int64_t i, JsonDocument::Value v) {
      points.values.push_back(nearest_double(document.rational(v, place[i])));
    });
  }
  return points;
}

}  // namespace

Coordinates read_coordinates(const std::string& path, std::int64_t n_states) {
  const FileBytes bytes(path);
  if (extension(path) == "npy") return from_npy(NpyArray(bytes.bytes(), path, ""), n_states);
  return from_json(bytes.bytes(), path, n_states);
}

}  // namespace mdp::io
