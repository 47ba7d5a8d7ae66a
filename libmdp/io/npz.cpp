#include "libmdp/io/npz.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <unordered_map>

#include "libmdp/error.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/model_arrays.hpp"
#include "libmdp/io/npy.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/io/utf8.hpp"

namespace mdp::io {

struct NpzWriter::State {
  ArchiveWriter archive;

  State(const std::string& path, Compression compression) : archive(path, ArchiveFormat::zip, compression) {}

  void add(std::string_view name, std::string_view type, std::span<const std::byte> data,
           std::span<const std::int64_t> shape) {
    const std::string header = npy_header(type, shape);
    archive.begin(std::string(name) + ".npy", header.size() + data.size());
    archive.append(std::as_bytes(std::span(header)));
    archive.append(data);
  }
  template <class T>
  void add_numbers(std::string_view name, const char* type, std::span<const T> values,
                   std::span<const std::int64_t> shape) {
    std::int64_t size = 1;
    for (const std::int64_t n : shape) size *= n;
    if (size != static_cast<std::int64_t>(values.size())) {
      throw InvalidArgument(std::string(name) + " has " + std::to_string(values.size()) + " entries, its shape says " +
                            std::to_string(size));
    }
    add(name, type, std::as_bytes(values), shape);
  }
};

NpzWriter::NpzWriter(const std::string& path, Compression compression)
    : state_(std::make_unique<State>(path, compression)) {}
NpzWriter::~NpzWriter() = default;

void NpzWriter::add(std::string_view name, std::span<const double> values, std::span<const std::int64_t> shape) {
  state_->add_numbers(name, "<f8", values, shape);
}
void NpzWriter::add(std::string_view name, std::span<const std::int64_t> values, std::span<const std::int64_t> shape) {
  state_->add_numbers(name, "<i8", values, shape);
}
void NpzWriter::add(std::string_view name, std::span<const std::int32_t> values, std::span<const std::int64_t> shape) {
  state_->add_numbers(name, "<i4", values, shape);
}
void NpzWriter::add_scalar(std::string_view name, double value) { add(name, std::span(&value, 1), {}); }

void NpzWriter::add_text(std::string_view name, std::string_view value) {
  auto points = code_points(value);
  if (points.empty()) points.push_back(0);
  state_->add(name, "<U" + std::to_string(points.size()), std::as_bytes(std::span(points)), {});
}

void NpzWriter::add_texts(std::string_view name, std::span<const std::string> values,
                          std::span<const std::int64_t> shape) {
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, code_points(value).size());
  std::vector<std::uint32_t> table(width * values.size(), 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto points = code_points(values[i]);
    std::copy(points.begin(), points.end(), table.begin() + static_cast<std::ptrdiff_t>(i * width));
  }
  const auto length = static_cast<std::int64_t>(values.size());
  state_->add(name, "<U" + std::to_string(width), std::as_bytes(std::span(table)),
              shape.empty() ? std::span(&length, 1) : shape);
}

void NpzWriter::commit() { state_->archive.commit(); }

namespace {

constexpr std::string_view keys[] = {"state_rows", "row_begin", "next_state",  "probability",    "probability_tail",
                                     "cost",       "cost_tail", "discount",    "discount_exact", "goal",
                                     "initial",    "objective", "state_names", "action_names",   "row_action"};

/// The arrays of a .npz file by name.
class NpzArrays {
 public:
  NpzArrays(const Archive& archive, const std::string& file) : archive_(archive), file_(file) {
    for (const Archive::Member& member : archive_.members()) {
      const std::string key =
          member.name.ends_with(".npy") ? member.name.substr(0, member.name.size() - 4) : member.name;
      if (std::find(std::begin(keys), std::end(keys), key) == std::end(keys)) {
        std::string known;
        for (const std::string_view k : keys) known.append(known.empty() ? "" : ", ").append(k);
        throw InputError(file, key, "is not an array of a model, which are " + known);
      }
    }
  }
  [[nodiscard]] std::optional<NpyArray> find(std::string_view name) const {
    const Archive::Member* member = archive_.find(std::string(name) + ".npy");
    if (member == nullptr) return std::nullopt;
    return NpyArray(member->bytes, file_, std::string(name));
  }
  [[nodiscard]] NpyArray get(std::string_view name) const {
    if (auto array = find(name)) return *std::move(array);
    throw InputError(file_, "", "the array \"" + std::string(name) + "\" is missing");
  }
  [[nodiscard]] NpyArray get_vector(std::string_view name, std::int64_t length = -1) const {
    NpyArray array = get(name);
    array.require_vector(length);
    return array;
  }

 private:
  const Archive& archive_;
  const std::string& file_;
};

Discount read_discount(const NpzArrays& arrays) {
  if (const auto exact = arrays.find("discount_exact")) {
    const auto texts = exact->texts();
    const auto gamma = texts.size() == 1 ? parse_rational(texts[0]) : std::nullopt;
    if (!gamma || *gamma < 0 || *gamma > 1) exact->fail("must be one text \"a/b\" or \"0.9\", a number in [0, 1]");
    return to_discount(*gamma);
  }
  const auto array = arrays.find("discount");
  if (!array) return {};
  const auto values = array->doubles();
  if (values.size() != 1 || !(values[0] >= 0.0 && values[0] <= 1.0)) array->fail("must be one number in [0, 1]");
  return values[0];
}

Objective read_objective(const NpzArrays& arrays, const ReadOptions& options) {
  const auto array = arrays.find("objective");
  if (!array) return options.objective.value_or(Objective::minimize);
  const auto texts = array->texts();
  if (texts.size() != 1 || (texts[0] != "minimize" && texts[0] != "maximize")) {
    array->fail("must be the text minimize or maximize");
  }
  const Objective objective = texts[0] == "minimize" ? Objective::minimize : Objective::maximize;
  if (options.objective && *options.objective != objective) array->fail("is " + texts[0] + ", the option the opposite");
  return objective;
}

void read_names(const NpzArrays& arrays, std::int64_t n_states, std::int64_t n_rows, Names& names) {
  if (const auto states = arrays.find("state_names")) {
    states->require_vector(n_states);
    names.states = states->texts();
  }
  const auto table = arrays.find("action_names");
  const auto rows = arrays.find("row_action");
  if (table.has_value() != rows.has_value()) (table ? *table : *rows).fail("needs both action_names and row_action");
  if (!table) return;
  table->require_vector();
  rows->require_vector(n_rows);
  names.actions = table->texts();
  names.row_action.resize(static_cast<std::size_t>(n_rows));
  const auto ids = rows->integers();
  for (std::size_t r = 0; r < ids.size(); ++r) {
    if (ids[r] < -1 || ids[r] >= table->size()) rows->fail("entry " + std::to_string(r) + " names no action");
    names.row_action[r] = static_cast<std::int32_t>(ids[r]);
  }
}

MdpArrays read_arrays(const NpzArrays& arrays, const ReadOptions& options) {
  MdpArrays m;
  m.state_rows = arrays.get_vector("state_rows").integers();
  m.row_begin = arrays.get_vector("row_begin").integers();
  const auto n_states = static_cast<std::int64_t>(m.state_rows.size()) - 1;
  const auto n_rows = static_cast<std::int64_t>(m.row_begin.size()) - 1;
  if (n_states < 1 || n_states >= std::numeric_limits<State>::max()) {
    arrays.get("state_rows").fail("announces " + std::to_string(n_states) + " states, required 1 to 2147483646");
  }
  if (n_rows < 0) arrays.get("row_begin").fail("is empty, required n_rows + 1 entries");
  m.next_state = arrays.get_vector("next_state").states(n_states);
  const auto n_transitions = static_cast<std::int64_t>(m.next_state.size());
  m.probability = arrays.get_vector("probability", n_transitions).doubles();
  m.cost = arrays.get_vector("cost", n_rows).doubles();
  if (arrays.find("probability_tail"))
    m.probability_tail = arrays.get_vector("probability_tail", n_transitions).doubles();
  if (arrays.find("cost_tail")) m.cost_tail = arrays.get_vector("cost_tail", n_rows).doubles();
  if (arrays.find("initial")) m.initial = arrays.get_vector("initial", n_states).doubles();
  if (arrays.find("goal")) {
    const auto goal = arrays.get_vector("goal").states(n_states);
    m.goal.assign(goal.begin(), goal.end());
  }
  m.discount = read_discount(arrays);
  m.objective = read_objective(arrays, options);
  read_names(arrays, n_states, n_rows, m.names);
  return m;
}

}  // namespace

Mdp read_npz_members(const Archive& archive, const std::string& file, const ReadOptions& options) {
  return build_arrays(read_arrays(NpzArrays(archive, file), options), file, options);
}

Mdp read_npz(std::span<const std::byte> bytes, const std::string& file, const ReadOptions& options) {
  if (const std::string broken = options.check(); !broken.empty()) throw InvalidOption(broken);
  const Archive archive(bytes, ArchiveFormat::zip, file, [](std::string_view) { return true; });
  return read_npz_members(archive, file, options);
}

void write_npz(const std::string& path, const Mdp& mdp, Compression compression) {
  NpzWriter out(path, compression);
  out.add("state_rows", mdp.state_rows());
  out.add("row_begin", mdp.row_begin());
  out.add("next_state", mdp.next_state());
  out.add("probability", mdp.probability());
  out.add("cost", in_sense(mdp.objective(), mdp.cost()));
  if (!mdp.probability_tail().empty()) out.add("probability_tail", mdp.probability_tail());
  if (!mdp.cost_tail().empty()) out.add("cost_tail", in_sense(mdp.objective(), mdp.cost_tail()));
  out.add_scalar("discount", mdp.discount());
  if (has_digits_beyond_double(mdp.exact_discount())) out.add_text("discount_exact", exact_text(mdp.exact_discount()));
  if (!mdp.goal().empty()) out.add("goal", std::vector<std::int64_t>(mdp.goal().begin(), mdp.goal().end()));
  out.add("initial", mdp.initial());
  out.add_text("objective", mdp.objective() == Objective::minimize ? "minimize" : "maximize");
  const Names& names = mdp.names();
  if (!names.states.empty()) out.add_texts("state_names", names.states);
  if (!names.row_action.empty()) {
    out.add_texts("action_names", names.actions);
    out.add("row_action", names.row_action);
  }
  out.commit();
}

}  // namespace mdp::io
