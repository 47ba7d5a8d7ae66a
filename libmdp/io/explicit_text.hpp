// libmdp/io/explicit_text.hpp — a model as a text file lists it, numbers still as they are written. Internal.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libmdp/buffer.hpp"
#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/line_reader.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::io {

/// What the readers of .tra and .drn files collect. Numbers are views into the files: an Mdp takes them to two doubles, an
/// ExactModel as written. States, rows and transitions are in order.
struct ExplicitText {
  /// A file that numbers point into; it must outlive this.
  struct Source {
    std::string file;
    std::string_view text;
  };
  std::vector<Source> sources;  ///< the model's own file first

  std::int64_t n_states = 0;
  Buffer<Offset> state_rows;                        ///< [n_states+1] once finish_states() was called
  Buffer<Offset> row_begin = Buffer<Offset>(1, 0);  ///< [n_rows+1]
  Buffer<State> next_state;
  std::vector<std::string_view> probability;    ///< [n_transitions]
  std::vector<std::string_view> state_reward;   ///< [n_states] or empty; "" = 0
  std::vector<std::string_view> row_reward;     ///< [n_rows] or empty; "" = 0
  std::vector<std::string_view> branch_reward;  ///< [n_transitions] or empty; counts by its probability
  std::map<std::string, std::vector<State>, std::less<>> labels;
  std::vector<State> initial;  ///< equally likely; empty = uniform
  Names names;

  [[nodiscard]] Offset n_rows() const noexcept { return static_cast<Offset>(row_begin.size()) - 1; }
  /// Starts the rows of a state, and of those before it that have none. States come in order.
  void start_state(std::int64_t state) {
    while (static_cast<std::int64_t>(state_rows.size()) <= state) state_rows.push_back(n_rows());
  }
  void finish_states() {
    while (static_cast<std::int64_t>(state_rows.size()) <= n_states) state_rows.push_back(n_rows());
  }
  void add(std::int64_t next, std::string_view number) {
    next_state.push_back(static_cast<State>(next));
    probability.push_back(number);
  }
  void finish_row() { row_begin.push_back(static_cast<Offset>(next_state.size())); }
};

/// Names of actions by their first appearance.
class ActionTable {
 public:
  /// Appends the action of a row to `names`. "" = unnamed.
  void add(std::string_view name, Names& names);

 private:
  std::map<std::string, std::int32_t, std::less<>> ids_;
};

/// \throws InputError naming file, line, number and rule; what build() refuses.
[[nodiscard]] Mdp mdp_of(ExplicitText&& model, const ReadOptions& options);
/// The same model in rationals. \throws as mdp_of().
[[nodiscard]] ExactModel exact_model_of(ExplicitText&& model, const ReadOptions& options);

/// \throws InputError unless 1 <= n <= 2^31 - 2, and no more than a file of this size can list.
void require_states(const LineReader& in, std::int64_t n);

}  // namespace mdp::io
