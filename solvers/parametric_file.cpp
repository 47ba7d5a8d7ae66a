#include "solvers/parametric_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/npy.hpp"
#include "libmdp/io/npz.hpp"

namespace mdp::solvers {
namespace {

constexpr std::array<std::string_view, 3> feature_names = {"cost_features", "transition_features", "policy_features"};
constexpr std::array<std::string_view, 4> sparse_parts = {"_indptr", "_indices", "_data", "_columns"};
constexpr std::array<std::string_view, 3> vector_names = {"transition_mask", "policy_offset", "theta"};

std::vector<std::string> known_names() {
  std::vector<std::string> names(vector_names.begin(), vector_names.end());
  for (const std::string_view feature : feature_names) {
    names.emplace_back(feature);
    for (const std::string_view part : sparse_parts) names.push_back(std::string(feature) + std::string(part));
  }
  return names;
}

class Reader {
 public:
  Reader(std::string file, std::span<const std::byte> bytes, const Mdp& base)
      : file_(std::move(file)),
        base_(base),
        archive_(bytes, io::ArchiveFormat::zip, file_, [](std::string_view) { return true; }) {
    const std::vector<std::string> known = known_names();
    for (const io::Archive::Member& member : archive_.members()) {
      const std::string name = member.name.substr(0, member.name.rfind(".npy"));
      if (std::ranges::find(known, name) != known.end()) continue;
      std::string list;
      for (const std::string& k : known) list.append(list.empty() ? "" : ", ").append(k);
      throw InputError(file_, name, "is not an array of a parametrisation, which are " + list);
    }
  }

  Parametrisation read() {
    Parametrisation p;
    p.cost_features = features("cost_features", base_.n_rows(), "state-action pairs");
    p.policy_features = features("policy_features", base_.n_rows(), "state-action pairs");
    p.transition_features = features("transition_features", base_.n_transitions(), "stored transitions");
    if (auto masked = masked_transitions()) {
      if (p.transition_features) fail("transition_mask", "and transition_features exclude each other");
      p.transition_features = std::move(masked);
    }
    p.policy_offset = numbers("policy_offset", base_.n_rows());
    p.theta = numbers("theta", -1);
    return p;
  }

 private:
  [[noreturn]] void fail(const std::string& array, const std::string& what) const {
    throw InputError(file_, array, what);
  }

  [[nodiscard]] std::optional<io::NpyArray> find(const std::string& name) const {
    const io::Archive::Member* member = archive_.find(name + ".npy");
    if (member == nullptr) return std::nullopt;
    return io::NpyArray(member->bytes, file_, name);
  }
  [[nodiscard]] io::NpyArray get(const std::string& name) const {
    if (auto array = find(name)) return *std::move(array);
    fail(name, "is missing: sparse features need _indptr, _indices, _data and _columns");
  }

  /// A vector of finite numbers; empty if absent. \param length  -1: any
  [[nodiscard]] std::vector<double> numbers(const std::string& name, std::int64_t length) const {
    const auto array = find(name);
    if (!array) return {};
    array->require_vector(length);
    return finite(*array, name);
  }
  [[nodiscard]] std::vector<double> finite(const io::NpyArray& array, const std::string& name) const {
    const auto read = array.doubles();
    std::vector<double> x(read.begin(), read.end());
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!std::isfinite(x[i])) fail(name, "entry " + std::to_string(i) + " is not finite");
    }
    return x;
  }

  [[nodiscard]] std::optional<RowFeatures> features(const std::string& name, std::int64_t items, const char* of) const {
    const auto dense_array = find(name);
    const bool sparse = std::ranges::any_of(
        sparse_parts, [&](std::string_view part) { return find(name + std::string(part)).has_value(); });
    if (dense_array && sparse) fail(name, "is given both dense and sparse");
    if (sparse) return sparse_features(name, items, of);
    if (!dense_array) return std::nullopt;
    const auto& shape = dense_array->shape();
    if (shape.size() != 2 || shape[1] < 1) fail(name, "must have two axes, items and parameters");
    require_items(name, shape[0], items, of);
    const std::vector<double> x = finite(*dense_array, name);
    RowFeatures f{shape[1], {0}, {}, {}};
    for (std::int64_t row = 0; row < shape[0]; ++row) {
      for (std::int64_t i = 0; i < shape[1]; ++i) {
        const double value = x[static_cast<std::size_t>(row * shape[1] + i)];
        if (value == 0.0) continue;
        f.parameter.push_back(i);
        f.value.push_back(value);
      }
      f.begin.push_back(static_cast<Offset>(f.parameter.size()));
    }
    return f;
  }

  void require_items(const std::string& name, std::int64_t given, std::int64_t items, const char* of) const {
    if (given == items) return;
    fail(name, "is for " + std::to_string(given) + " " + of + ", the model has " + std::to_string(items));
  }

  [[nodiscard]] RowFeatures sparse_features(const std::string& name, std::int64_t items, const char* of) const {
    const auto columns = get(name + "_columns").integers();
    if (columns.size() != 1 || columns[0] < 1) fail(name + "_columns", "must be one number, at least 1");
    const io::NpyArray indptr = get(name + "_indptr"), indices = get(name + "_indices"), data = get(name + "_data");
    indptr.require_vector();
    require_items(name + "_indptr", indptr.size() - 1, items, of);
    const auto begin = indptr.integers();
    if (begin[0] != 0 || !std::ranges::is_sorted(begin)) fail(name + "_indptr", "must ascend from 0");
    indices.require_vector(begin.back());
    data.require_vector(begin.back());
    const auto parameters = indices.integers();
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      if (parameters[k] >= 0 && parameters[k] < columns[0]) continue;
      fail(name + "_indices", "entry " + std::to_string(k) + " is " + std::to_string(parameters[k]) +
                                  ", not among 0 .. " + std::to_string(columns[0] - 1));
    }
    return {
        columns[0], {begin.begin(), begin.end()}, {parameters.begin(), parameters.end()}, finite(data, name + "_data")};
  }

  [[nodiscard]] std::optional<RowFeatures> masked_transitions() const {
    const auto array = find("transition_mask");
    if (!array) return std::nullopt;
    array->require_vector();
    require_items("transition_mask", array->size(), base_.n_transitions(), "stored transitions");
    RowFeatures f{0, {0}, {}, {}};
    for (const std::int64_t one : array->integers()) {
      if (one != 0 && one != 1) fail("transition_mask", "entries are 0 or 1, not " + std::to_string(one));
      if (one == 1) {
        f.parameter.push_back(f.n_parameters++);
        f.value.push_back(1.0);
      }
      f.begin.push_back(static_cast<Offset>(f.parameter.size()));
    }
    if (f.n_parameters == 0) fail("transition_mask", "frees no transition");
    return f;
  }

  std::string file_;
  const Mdp& base_;
  io::Archive archive_;
};

}  // namespace

Parametrisation read_parametrisation(const std::string& path, const Mdp& base) {
  if (io::extension(path) != "npz") throw InputError(path, "", "parametrisations are read from .npz");
  const io::FileBytes bytes(path);
  return Reader(path, bytes.bytes(), base).read();
}

void write_parametrisation(const std::string& path, const Parametrisation& parametrisation) {
  io::NpzWriter out(path);
  const auto add = [&](std::string_view feature, const std::optional<RowFeatures>& f) {
    if (!f) return;
    const std::string name(feature);
    out.add(name + "_indptr", f->begin);
    out.add(name + "_indices", f->parameter);
    out.add(name + "_data", f->value);
    out.add(name + "_columns", std::span(&f->n_parameters, 1), {});
  };
  add(feature_names[0], parametrisation.cost_features);
  add(feature_names[1], parametrisation.transition_features);
  add(feature_names[2], parametrisation.policy_features);
  if (!parametrisation.policy_offset.empty()) out.add("policy_offset", parametrisation.policy_offset);
  if (!parametrisation.theta.empty()) out.add("theta", parametrisation.theta);
  out.commit();
}

}  // namespace mdp::solvers
