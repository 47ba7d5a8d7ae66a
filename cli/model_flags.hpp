// cli/model_flags.hpp — the flags that say how a model file is read.
#pragma once

#include <string>
#include <vector>

#include "cli/program.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/exact/exact.hpp"

namespace mdp::io {
struct ExactModel;
}

namespace mdp::cli {

/// --discount, --objective, --goal, --rewards, --row-sum-tolerance, --dead-ends.
class ModelFlags {
 public:
  /// Adds the flags; --discount only where it is asked for.
  void add_to(Command& command, bool with_discount = true);

  /// Reads a model as the flags say. \throws InputError, UsageError.
  [[nodiscard]] Mdp read(const std::string& path, int threads) const;
  /// The same, with the file's own discount.
  [[nodiscard]] Mdp read_as_it_is(const std::string& path, int threads) const;

  /// The model in rationals, as its file means it, with the flags applied; the same states and rows as read(). Includers
  /// of libmdp/io/exact_model.hpp alone can call it.
  [[nodiscard]] io::ExactModel read_exact(const std::string& path, int threads) const;
  /// The same, with the file's own discount.
  [[nodiscard]] io::ExactModel read_exact_as_it_is(const std::string& path, int threads) const;
  /// The same as the solvers take it.
  [[nodiscard]] solvers::ExactMdp read_exactly(const std::string& path, int threads) const;

  /// How the flags say that a file is read. \throws UsageError.
  [[nodiscard]] io::ReadOptions options(int threads) const;
  /// The text of --discount, or "".
  [[nodiscard]] const std::string& discount_text() const { return discount_; }
  /// Whether --discount was given.
  [[nodiscard]] bool has_discount() const { return !discount_.empty(); }

 private:
  std::string discount_;
  std::string objective_;
  std::string goal_;
  std::string rewards_;
  std::string dead_ends_ = "refuse";
  double row_sum_tolerance_ = io::ReadOptions{}.row_sum_tolerance;
};

/// A decimal or a fraction of integers, taken exactly as written. \throws UsageError naming the option.
[[nodiscard]] TwoDouble parse_number(const std::string& option, const std::string& text);
/// gamma as text, "0.99" or "99/100", taken exactly as written. \throws UsageError naming the option.
[[nodiscard]] Discount parse_discount(const std::string& option, const std::string& text);

}  // namespace mdp::cli
