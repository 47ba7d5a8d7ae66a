#include "solvers/checkpoint.hpp"

#include <bit>
#include <cstring>
#include <span>

#include <fmt/format.h>

#include "libmdp/error.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::solvers {
namespace {

constexpr char magic[16] = {"mdp checkpoint3"};

class Hash {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) state_ = (state_ ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3U;
  }
  template <class T>
  void add_array(std::span<const T> x) {
    add_number(x.size());
    add(std::as_bytes(x));
  }
  template <class T>
  void add_number(T x) {
    add(std::as_bytes(std::span(&x, 1)));
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

std::uint64_t hash_of(std::span<const std::byte> bytes) {
  Hash hash;
  hash.add(bytes);
  return hash.value();
}

template <class T>
void append(std::vector<std::byte>& to, std::span<const T> x) {
  const auto bytes = std::as_bytes(x);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// What stands between the magic word and the arrays.
struct Header {
  std::uint64_t identity;
  std::uint64_t n_values;
  std::uint64_t n_actions;
  std::int64_t sweeps;
  std::int64_t iterations;
  double bytes;
  double closest;
  std::int64_t idle;
};

}  // namespace

std::string CheckpointOptions::check() const {
  if (sweeps_per_stage < 1) return fmt::format("sweeps_per_stage = {}, required >= 1", sweeps_per_stage);
  return {};
}

std::uint64_t identity_of(const Mdp& mdp, const SolveOptions& options, std::int64_t sweeps_per_stage) {
  Hash hash;
  hash.add_array(mdp.state_rows());
  hash.add_array(mdp.row_begin());
  hash.add_array(mdp.next_state());
  hash.add_array(mdp.probability());
  hash.add_array(mdp.probability_tail());
  hash.add_array(mdp.cost());
  hash.add_array(mdp.cost_tail());
  const Discount& discount = mdp.exact_discount();
  for (const double x :
       {discount.value.hi, discount.value.lo, discount.complement.hi, discount.complement.lo,
        options.tolerance.value_or(-1.0), options.relative_tolerance.value_or(-1.0), options.temperature}) {
    hash.add_number(std::bit_cast<std::uint64_t>(x));
  }
  hash.add_number(static_cast<std::int64_t>(options.method));
  hash.add_number(static_cast<std::int64_t>(options.level));
  hash.add_number(static_cast<std::int64_t>(options.linear_solver));
  hash.add_number(sweeps_per_stage);
  hash.add_array(std::span<const double>(options.start));
  return hash.value();
}

std::uint64_t identity_of(const Mdp& mdp, Criterion criterion, const CriterionOptions& options,
                          std::int64_t sweeps_per_stage) {
  std::uint64_t h = identity_of(mdp, options.solve, sweeps_per_stage);
  const auto add = [&h](std::uint64_t x) { h = (h ^ x) * 0x100000001b3U; };
  add(static_cast<std::uint64_t>(criterion));
  add(static_cast<std::uint64_t>(options.improper));
  add(static_cast<std::uint64_t>(mdp.objective()));
  for (const State s : mdp.goal()) add(static_cast<std::uint64_t>(s));
  if (criterion != Criterion::finite) return h;
  add(static_cast<std::uint64_t>(options.horizon));
  for (const auto* terminal : {&options.terminal, &options.terminal_tail}) {
    for (const double x : *terminal) add(std::bit_cast<std::uint64_t>(x));
  }
  return h;
}

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  const Header header{checkpoint.identity,   checkpoint.values.size(), checkpoint.policy.size(), checkpoint.sweeps,
                      checkpoint.iterations, checkpoint.bytes,         checkpoint.closest,       checkpoint.idle};
  std::vector<std::byte> bytes;
  append(bytes, std::span<const char>(magic));
  append(bytes, std::span<const Header>(&header, 1));
  append(bytes, std::span<const double>(checkpoint.values));
  append(bytes, std::span<const Action>(checkpoint.policy));
  const std::uint64_t sum = hash_of(bytes);
  append(bytes, std::span<const std::uint64_t>(&sum, 1));
  io::write_file(path, std::span<const std::byte>(bytes));
}

Checkpoint read_checkpoint(const std::string& path, std::uint64_t identity) {
  const io::FileBytes file(path);
  const auto bytes = file.bytes();
  const std::size_t before = sizeof magic + sizeof(Header);
  if (bytes.size() < before || std::memcmp(bytes.data(), magic, sizeof magic) != 0) {
    throw InputError(path, "", "not a checkpoint of mdp");
  }
  Header header;
  std::memcpy(&header, bytes.data() + sizeof magic, sizeof header);
  if (header.identity != identity) {
    throw InputError(path, "", "a checkpoint of another model, or of other options than this run's");
  }
  const std::size_t n = header.n_values;
  const std::size_t length = before + n * sizeof(double) + header.n_actions * sizeof(Action) + sizeof(std::uint64_t);
  std::uint64_t sum = 0;
  if (bytes.size() == length) std::memcpy(&sum, bytes.data() + length - sizeof sum, sizeof sum);
  if (bytes.size() != length || sum != hash_of(bytes.first(length - sizeof sum))) {
    throw InputError(path, "", "a damaged checkpoint");
  }
  Checkpoint checkpoint{
      identity,       header.sweeps, header.iterations, header.bytes, std::vector<double>(n), Policy(header.n_actions),
      header.closest, header.idle};
  std::memcpy(checkpoint.values.data(), bytes.data() + before, n * sizeof(double));
  std::memcpy(checkpoint.policy.data(), bytes.data() + before + n * sizeof(double), header.n_actions * sizeof(Action));
  return checkpoint;
}

}  // namespace mdp::solvers
