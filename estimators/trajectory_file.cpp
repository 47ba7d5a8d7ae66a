#include "estimators/trajectory_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "libmdp/error.hpp"
#include "libmdp/io/archive.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/npy.hpp"
#include "libmdp/io/npz.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::estimators {
namespace {

constexpr std::string_view csv_header = "trajectory,step,state,action,next_state";

std::string comma_separated(const Trajectories& t) {
  std::string text = std::string(csv_header) + "\n";
  for (std::int64_t i = 0; i < t.n_trajectories; ++i) {
    for (std::int64_t k = 0; k < t.horizon; ++k) {
      const State* s = t.state.data() + at(i * (t.horizon + 1) + k);
      text += fmt::format("{},{},{},{},{}\n", i, k, s[0], t.action[at(i * t.horizon + k)], s[1]);
    }
  }
  return text;
}

/// Five integers of a line. \throws InputError
std::array<std::int64_t, 5> numbers_of(std::string_view line, const std::string& file, const std::string& place) {
  std::array<std::int64_t, 5> numbers{};
  const char* from = line.data();
  const char* const end = line.data() + line.size();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto [after, error] = std::from_chars(from, end, numbers[i]);
    const bool last = i + 1 == numbers.size();
    if (error != std::errc() || (last ? after != end : after == end || *after != ','))
      throw InputError(file, place, "required five integers: " + std::string(csv_header));
    from = last ? after : after + 1;
  }
  return numbers;
}

Trajectories read_csv(const std::string& file, std::string_view text) {
  Trajectories t;
  std::int64_t length = -1;  // of the first trajectory
  std::int64_t step = 0;
  std::int64_t line_number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const std::string place = fmt::format("line {}", ++line_number);
    if (line_number == 1) {
      if (line != csv_header) throw InputError(file, place, "required the header " + std::string(csv_header));
      continue;
    }
    const auto [i, k, s, a, next] = numbers_of(line, file, place);
    if (i == t.n_trajectories && k == 0) {  // a new trajectory
      if (i > 0 && length < 0) length = step;
      if (i > 0 && step != length)
        throw InputError(file, place, fmt::format("trajectory {} has {} steps, the first has {}", i - 1, step, length));
      ++t.n_trajectories;
      step = 0;
      t.state.push_back(static_cast<State>(s));
    }
    if (i + 1 != t.n_trajectories || k != step)
      throw InputError(file, place, fmt::format("trajectory {}, step {}: required in order, from 0", i, k));
    if (s != t.state.back())
      throw InputError(file, place, fmt::format("state {}, but the step before ended in {}", s, t.state.back()));
    t.action.push_back(static_cast<Action>(a));
    t.state.push_back(static_cast<State>(next));
    ++step;
  }
  if (t.n_trajectories == 0) throw InputError(file, "", "there are no trajectories");
  if (length >= 0 && step != length)
    throw InputError(file, "",
                     fmt::format("trajectory {} has {} steps, the first has {}", t.n_trajectories - 1, step, length));
  t.horizon = step;
  return t;
}

Trajectories read_npz(const std::string& file, std::span<const std::byte> bytes, const Mdp& mdp) {
  const io::Archive archive(bytes, io::ArchiveFormat::zip, file, [](std::string_view) { return true; });
  const auto array = [&](const char* name) {
    const io::Archive::Member* member = archive.find(std::string(name) + ".npy");
    if (member == nullptr) throw InputError(file, name, "required: state [n, N+1] and action [n, N]");
    return io::NpyArray(member->bytes, file, name);
  };
  const io::NpyArray state = array("state");
  const io::NpyArray action = array("action");
  if (state.shape().size() != 2 || action.shape().size() != 2 || state.shape()[0] != action.shape()[0] ||
      state.shape()[1] != action.shape()[1] + 1 || action.size() == 0) {
    throw InputError(file, "state", "required shapes: state [n, N+1], action [n, N], n and N at least 1");
  }
  Trajectories t{
      .n_trajectories = action.shape()[0], .horizon = action.shape()[1], .state = {}, .action = {}, .cost = {}};
  const auto states = state.states(mdp.n_states());
  const auto actions = action.states(mdp.n_rows());
  t.state.assign(states.begin(), states.end());
  t.action.assign(actions.begin(), actions.end());
  return t;
}

}  // namespace

void write_trajectories(const std::string& path, const Trajectories& t) {
  const std::string ending = io::extension(path);
  if (ending == "csv") {
    io::write_file(path, std::string_view(comma_separated(t)));
  } else if (ending == "npz") {
    io::NpzWriter out(path);
    out.add("state", std::span<const State>(t.state), std::array{t.n_trajectories, t.horizon + 1});
    out.add("action", std::span<const Action>(t.action), std::array{t.n_trajectories, t.horizon});
    out.commit();
  } else {
    throw InvalidArgument(path + ": trajectories are written to .csv or .npz");
  }
}

Trajectories read_trajectories(const std::string& path, const Mdp& mdp) {
  const std::string ending = io::extension(path);
  if (ending != "csv" && ending != "npz") throw InputError(path, "", "trajectories are read from .csv or .npz");
  const io::FileBytes bytes(path);
  Trajectories t = ending == "csv" ? read_csv(path, io::as_text(bytes.bytes())) : read_npz(path, bytes.bytes(), mdp);
  try {
    for (const Offset row : recorded_paths(mdp, t).row) t.cost.push_back(mdp.cost()[at(row)]);
  } catch (const InvalidArgument& error) {
    throw InputError(path, "", error.what());
  }
  return t;
}

RecordedPaths recorded_paths(const Mdp& mdp, const Trajectories& t) {
  RecordedPaths paths{
      .n_trajectories = t.n_trajectories, .horizon = t.horizon, .state = t.state, .row = {}, .entry = {}};
  const auto fail = [](std::int64_t i, std::int64_t k, const std::string& what) {
    throw InvalidArgument(fmt::format("trajectory {}, step {}: {}", i, k, what));
  };
  for (std::int64_t i = 0; i < t.n_trajectories; ++i) {
    for (std::int64_t k = 0; k < t.horizon; ++k) {
      const State s = t.state[at(i * (t.horizon + 1) + k)];
      const State next = t.state[at(i * (t.horizon + 1) + k + 1)];
      const Action a = t.action[at(i * t.horizon + k)];
      if (s < 0 || s >= mdp.n_states()) fail(i, k, fmt::format("state {}, required below {}", s, mdp.n_states()));
      if (a < 0 || a >= mdp.n_actions(s))
        fail(i, k, fmt::format("action {} in state {}, which has {}", a, mdp.state_name(s), mdp.n_actions(s)));
      const Offset row = mdp.state_rows()[at(s)] + a;
      const auto first = mdp.next_state().begin() + mdp.row_begin()[at(row)];
      const auto last = mdp.next_state().begin() + mdp.row_begin()[at(row) + 1];
      const auto found = std::lower_bound(first, last, next);
      if (found == last || *found != next) {
        fail(i, k,
             fmt::format("state {} after action {} in state {}: probability 0 in the model", next, mdp.action_name(row),
                         mdp.state_name(s)));
      }
      paths.row.push_back(row);
      paths.entry.push_back(found - mdp.next_state().begin());
    }
  }
  return paths;
}

}  // namespace mdp::estimators
