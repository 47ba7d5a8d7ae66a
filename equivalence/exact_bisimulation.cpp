#include "equivalence/exact_bisimulation.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "libmdp/error.hpp"
#include "libmdp/random.hpp"

namespace mdp::equivalence {
namespace {

__extension__ using Wide = unsigned __int128;
constexpr std::uint64_t prime = (std::uint64_t{1} << 61) - 1;

std::uint64_t add(std::uint64_t x, std::uint64_t y) { return (x + y) % prime; }
std::uint64_t multiply(std::uint64_t x, std::uint64_t y) {
  return static_cast<std::uint64_t>(static_cast<Wide>(x) * y % prime);
}

// x modulo the prime. \throws InvalidArgument if the denominator is a multiple of it: such a number has no residue.
std::uint64_t residue(const mpq_class& x) {
  static const mpz_class modulus = (mpz_class(1) << 61) - 1;
  mpz_class inverse;
  if (mpz_invert(inverse.get_mpz_t(), x.get_den_mpz_t(), modulus.get_mpz_t()) == 0) {
    throw InvalidArgument("bisimulation: a denominator is a multiple of 2^61 - 1");
  }
  mpz_class r = x.get_num() * inverse;
  mpz_mod(r.get_mpz_t(), r.get_mpz_t(), modulus.get_mpz_t());
  return r.get_ui();
}

// A partition of 0 .. n-1 whose blocks are ranges of one array.
class Partition {
 public:
  explicit Partition(std::size_t n) : element_(n), place_(n), block_(n, 0), begin_{0}, end_{n} {
    std::iota(element_.begin(), element_.end(), State{0});
    std::iota(place_.begin(), place_.end(), std::size_t{0});
  }
  [[nodiscard]] std::size_t n_blocks() const { return begin_.size(); }
  [[nodiscard]] std::size_t block(State s) const { return block_[static_cast<std::size_t>(s)]; }
  [[nodiscard]] std::span<const State> members(std::size_t block) const {
    return std::span(element_).subspan(begin_[block], end_[block] - begin_[block]);
  }
  [[nodiscard]] std::size_t size(std::size_t block) const { return end_[block] - begin_[block]; }

  // Makes the members [all of one block, not the whole of it] a block of their own; returns its number.
  std::size_t cut(std::span<const State> members) {
    const std::size_t old = block(members.front()), fresh = n_blocks();
    std::size_t end = end_[old];
    for (const State s : members) {
      --end;
      const std::size_t from = place_[static_cast<std::size_t>(s)];
      std::swap(element_[from], element_[end]);
      place_[static_cast<std::size_t>(element_[from])] = from;
      place_[static_cast<std::size_t>(s)] = end;
      block_[static_cast<std::size_t>(s)] = fresh;
    }
    begin_.push_back(end);
    end_.push_back(end_[old]);
    end_[old] = end;
    return fresh;
  }

 private:
  std::vector<State> element_;
  std::vector<std::size_t> place_, block_, begin_, end_;
};

class Refinement {
 public:
  Refinement(const io::ExactModel& model, std::uint64_t attempt)
      : model_(model), partition_(static_cast<std::size_t>(model.n_states)), attempt_(attempt) {
    read_arrivals();
    split_by(signatures());
    splitters_.clear();
    is_splitter_.assign(partition_.n_blocks(), 1);
    for (std::size_t b = 0; b < partition_.n_blocks(); ++b) splitters_.push_back(b);
  }

  const Partition& run() {
    std::vector<std::uint64_t> weight(static_cast<std::size_t>(model_.n_states), 0);
    while (!splitters_.empty()) {
      const std::size_t splitter = splitters_.back();
      splitters_.pop_back();
      is_splitter_[splitter] = 0;
      std::vector<State> touched;
      for (const State target : partition_.members(splitter)) {
        const auto t = static_cast<std::size_t>(target);
        for (std::size_t k = begin_[t]; k < begin_[t + 1]; ++k) {
          const auto s = static_cast<std::size_t>(origin_[k]);
          if (weight[s] == 0) touched.push_back(origin_[k]);
          weight[s] = add(weight[s], mass_[k]);
          if (weight[s] == 0) weight[s] = prime;  // touched, whatever its sum
        }
      }
      std::vector<std::pair<std::uint64_t, State>> keyed;
      keyed.reserve(touched.size());
      for (const State s : touched) keyed.emplace_back(std::exchange(weight[static_cast<std::size_t>(s)], 0), s);
      split_by(std::move(keyed));
    }
    return partition_;
  }

 private:
  // Multiplies what action `a` of a state contributes, so that the sum over actions tells them apart.
  [[nodiscard]] std::uint64_t multiplier(std::int64_t a) const {
    return 1 + RandomSequence(attempt_, RandomStream::random_row, static_cast<std::uint64_t>(a)).below(prime - 1);
  }

  // Transitions by target: origin, and probability times the multiplier of its action.
  void read_arrivals() {
    const auto n = static_cast<std::size_t>(model_.n_states);
    begin_.assign(n + 1, 0);
    for (const auto& row : model_.rows) {
      for (const auto& [next, p] : row.to) ++begin_[static_cast<std::size_t>(next) + 1];
    }
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    origin_.resize(begin_.back());
    mass_.resize(begin_.back());
    std::vector<std::size_t> place(begin_.begin(), begin_.end() - 1);
    for (std::size_t s = 0; s < n; ++s) {
      for (std::int64_t row = model_.state_rows[s]; row < model_.state_rows[s + 1]; ++row) {
        const std::uint64_t factor = multiplier(row - model_.state_rows[s]);
        for (const auto& [next, p] : model_.rows[static_cast<std::size_t>(row)].to) {
          const std::size_t k = place[static_cast<std::size_t>(next)]++;
          origin_[k] = static_cast<State>(s);
          mass_[k] = multiply(factor, residue(p));
        }
      }
    }
  }

  // Costs, number of actions and goals of all states.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, State>> signatures() const {
    std::vector<std::pair<std::uint64_t, State>> keyed;
    for (std::int64_t s = 0; s < model_.n_states; ++s) {
      const std::int64_t first = model_.state_rows[static_cast<std::size_t>(s)];
      const std::int64_t last = model_.state_rows[static_cast<std::size_t>(s) + 1];
      std::uint64_t key = multiply(multiplier(-1), static_cast<std::uint64_t>(last - first));
      if (std::ranges::binary_search(model_.goal, s)) key = add(key, multiplier(-2));
      for (std::int64_t row = first; row < last; ++row) {
        const auto& entry = model_.rows[static_cast<std::size_t>(row)];
        const std::uint64_t cost = entry.inadmissible ? multiplier(-3) : residue(entry.cost);
        key = add(key, multiply(multiplier(row - first), cost));
      }
      keyed.emplace_back(key, static_cast<State>(s));
    }
    return keyed;
  }

  // Splits every block by the keys of its members; members without a key stay together.
  void split_by(std::vector<std::pair<std::uint64_t, State>> keyed) {
    std::ranges::sort(keyed, {}, [this](const auto& entry) {
      return std::tuple(partition_.block(entry.second), entry.first, entry.second);
    });
    std::vector<State> part;
    for (std::size_t i = 0; i < keyed.size();) {
      const std::size_t block = partition_.block(keyed[i].second);
      std::vector<std::size_t> parts;
      while (i < keyed.size() && partition_.block(keyed[i].second) == block) {
        part.clear();
        const std::uint64_t key = keyed[i].first;
        for (; i < keyed.size() && keyed[i].first == key && partition_.block(keyed[i].second) == block; ++i) {
          part.push_back(keyed[i].second);
        }
        if (part.size() == partition_.size(block)) break;  // the rest of the block: it keeps the number
        parts.push_back(partition_.cut(part));
      }
      if (!parts.empty()) note(block, parts);
    }
  }

  // New splitters: all parts of a block that was one, else all but the largest.
  void note(std::size_t block, std::vector<std::size_t>& parts) {
    is_splitter_.resize(partition_.n_blocks(), 0);
    parts.push_back(block);
    if (is_splitter_[block] == 0) {
      parts.erase(std::ranges::max_element(parts, {}, [this](std::size_t b) { return partition_.size(b); }));
    }
    for (const std::size_t b : parts) {
      if (is_splitter_[b] == 0) splitters_.push_back(b);
      is_splitter_[b] = 1;
    }
  }

  const io::ExactModel& model_;
  Partition partition_;
  std::uint64_t attempt_;
  std::vector<std::size_t> begin_;
  std::vector<State> origin_;
  std::vector<std::uint64_t> mass_;
  std::vector<std::size_t> splitters_;
  std::vector<char> is_splitter_;
};

Bisimulation numbered(const Partition& partition, std::int64_t n_states) {
  Bisimulation result;
  std::vector<State> number(partition.n_blocks(), -1);
  for (State s = 0; s < n_states; ++s) {
    State& block = number[partition.block(s)];
    if (block < 0) {
      block = result.n_blocks();
      result.representative.push_back(s);
    }
    result.block.push_back(block);
  }
  return result;
}

// Exactly: every state does what its representative does, action by action.
bool holds(const io::ExactModel& model, const Bisimulation& found) {
  using Masses = std::map<State, mpq_class>;
  const auto masses = [&](const io::ExactModel::Row& row) {
    Masses sums;
    for (const auto& [next, p] : row.to) sums[found.block[static_cast<std::size_t>(next)]] += p;
    return sums;
  };
  const auto is_goal = [&](std::int64_t s) { return std::ranges::binary_search(model.goal, s); };
  std::vector<std::vector<Masses>> of_block(found.representative.size());
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    const auto block = static_cast<std::size_t>(found.block[static_cast<std::size_t>(s)]);
    const State other = found.representative[block];
    const std::int64_t first = model.state_rows[static_cast<std::size_t>(s)];
    const std::int64_t n = model.state_rows[static_cast<std::size_t>(s) + 1] - first;
    const std::int64_t other_first = model.state_rows[static_cast<std::size_t>(other)];
    if (is_goal(s) != is_goal(other) || n != model.state_rows[static_cast<std::size_t>(other) + 1] - other_first) {
      return false;
    }
    for (std::int64_t a = 0; a < n; ++a) {
      const auto& row = model.rows[static_cast<std::size_t>(first + a)];
      const auto& twin = model.rows[static_cast<std::size_t>(other_first + a)];
      if (row.inadmissible != twin.inadmissible || row.cost != twin.cost) return false;
      if (s == other) {
        of_block[block].push_back(masses(row));
      } else if (masses(row) != of_block[block][static_cast<std::size_t>(a)]) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

Bisimulation exact_bisimulation(const io::ExactModel& model) {
  for (std::uint64_t attempt = 0; attempt < 8; ++attempt) {
    Bisimulation found = numbered(Refinement(model, attempt).run(), model.n_states);
    if (holds(model, found)) return found;
  }
  throw Error("bisimulation: residues modulo 2^61 - 1 do not tell the entries of this model apart");
}

io::ExactModel exact_lift(const io::ExactModel& model, const Bisimulation& found, std::span<const double> weight) {
  const auto name = [&](State s) {
    return model.names.empty() ? std::to_string(s) : model.names[static_cast<std::size_t>(s)];
  };
  const auto members = weighted_members(found, weight, name);
  const auto weight_of = [&](State s) { return mpq_class(weight.empty() ? 1.0 : weight[static_cast<std::size_t>(s)]); };
  std::vector<mpq_class> total(members.size());
  for (std::size_t b = 0; b < members.size(); ++b) {
    for (const State s : members[b]) total[b] += weight_of(s);
  }
  io::ExactModel lifted = model;
  for (auto& row : lifted.rows) {
    std::map<State, mpq_class> of_block, of_state;
    for (const auto& [next, p] : row.to) of_block[found.block[static_cast<std::size_t>(next)]] += p;
    for (const auto& [block, mass] : of_block) {
      const auto b = static_cast<std::size_t>(block);
      for (const State s : members[b]) of_state[s] = mass * weight_of(s) / total[b];
    }
    row.to.assign(of_state.begin(), of_state.end());
  }
  return lifted;
}

}  // namespace mdp::equivalence
