#include "solvers/sparse_lu.hpp"

#include <utility>
#include <vector>

#include <klu.h>

#include "libmdp/error.hpp"

namespace mdp::solvers {
namespace {

using Index = SuiteSparse_long;

// A in compressed rows, which KLU reads as compressed columns of A^T.
struct Matrix {
  std::vector<Index> begin;
  std::vector<Index> index;
  std::vector<double> value;

  Matrix(const kernels::PolicyChain& chain, const Discount& discount) {
    const auto n = static_cast<std::size_t>(chain.n_states());
    begin.reserve(n + 1);
    index.reserve(static_cast<std::size_t>(chain.n_transitions()) + n);
    value.reserve(index.capacity());
    begin.push_back(0);
    for (State s = 0; s < chain.n_states(); ++s) {
      bool diagonal = false;
      for (Offset k = chain.row_begin()[s]; k < chain.row_begin()[s + 1]; ++k) {
        const State next = chain.next_state()[k];
        const double p = chain.probability()[k];
        if (next >= s && !diagonal) {
          diagonal = true;
          append(s, next == s ? diagonal_entry(p, discount) : 1.0);
        }
        if (next != s) append(next, -discount.value.hi * p);
      }
      if (!diagonal) append(s, 1.0);
      begin.push_back(static_cast<Index>(index.size()));
    }
  }

  void append(State column, double x) {
    index.push_back(column);
    value.push_back(x);
  }

  // 1 - gamma p = (1 - p) + p (1 - gamma): no digits lost where both are near 1.
  static double diagonal_entry(double p, const Discount& discount) {
    return (two_sum(1.0, -p) + discount.complement * p).value();
  }
};

void require(bool good, const klu_l_common& common) {
  if (good) return;
  throw Error(common.status == KLU_OUT_OF_MEMORY ? "sparse LU: out of memory"
                                                 : "sparse LU: the policy's system is singular to working precision");
}

}  // namespace

struct SparseLu::Impl {
  Index n;
  mutable klu_l_common common = {};
  klu_l_symbolic* symbolic = nullptr;
  klu_l_numeric* numeric = nullptr;

  explicit Impl(Index size) : n(size) { klu_l_defaults(&common); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    klu_l_free_numeric(&numeric, &common);
    klu_l_free_symbolic(&symbolic, &common);
  }
  [[nodiscard]] Work work() const { return {symbolic->est_flops, symbolic->lnz + symbolic->unz}; }
  void analyze(Matrix& a) {
    symbolic = klu_l_analyze(n, a.begin.data(), a.index.data(), &common);
    require(symbolic != nullptr, common);
  }
  // Pivots stay on the diagonal: a permutation to block form might move other entries there.
  void order_diagonally(std::span<const Offset> row_begin, std::span<const State> column) {
    common.btf = 0;
    common.ordering = 0;  // AMD
    std::vector<Index> begin(row_begin.begin(), row_begin.end());
    std::vector<Index> index(column.begin(), column.end());
    symbolic = klu_l_analyze(n, begin.data(), index.data(), &common);
    require(symbolic != nullptr, common);
  }
};

SparseLu::SparseLu(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

std::optional<SparseLu> SparseLu::within(const kernels::PolicyChain& chain, const Discount& discount, double max_flops,
                                         double max_bytes) {
  auto impl = std::make_unique<Impl>(chain.n_states());
  Matrix a(chain, discount);
  impl->analyze(a);
  if (impl->work().flops > max_flops || impl->work().entries > max_flops) return {};
  if (impl->work().bytes() > max_bytes) return {};
  impl->numeric = klu_l_factor(a.begin.data(), a.index.data(), a.value.data(), impl->symbolic, &impl->common);
  require(impl->numeric != nullptr && impl->common.status == KLU_OK, impl->common);
  return SparseLu(std::move(impl));
}

SparseLu::SparseLu(const kernels::PolicyChain& chain, const Discount& discount)
    : SparseLu(std::move(*within(chain, discount, infinity))) {}

SparseLu::Work SparseLu::estimated_work(const kernels::PolicyChain& chain) {
  Impl impl(chain.n_states());
  Matrix a(chain, Discount(0.5));
  impl.analyze(a);
  return impl.work();
}

std::vector<State> SparseLu::elimination_order(std::span<const Offset> row_begin, std::span<const State> column) {
  Impl impl(static_cast<Index>(row_begin.size()) - 1);
  impl.order_diagonally(row_begin, column);
  return {impl.symbolic->Q, impl.symbolic->Q + impl.n};
}

SparseLu::Work SparseLu::elimination_work(std::span<const Offset> row_begin, std::span<const State> column) {
  Impl impl(static_cast<Index>(row_begin.size()) - 1);
  impl.order_diagonally(row_begin, column);
  return impl.work();
}

SparseLu::Work SparseLu::work() const { return impl_->work(); }

SparseLu::~SparseLu() = default;
SparseLu::SparseLu(SparseLu&&) noexcept = default;
SparseLu& SparseLu::operator=(SparseLu&&) noexcept = default;

void SparseLu::solve(std::span<double> x) const {
  klu_l_tsolve(impl_->symbolic, impl_->numeric, impl_->n, 1, x.data(), &impl_->common);
}

void SparseLu::solve_transposed(std::span<double> x) const {
  klu_l_solve(impl_->symbolic, impl_->numeric, impl_->n, 1, x.data(), &impl_->common);
}

}  // namespace mdp::solvers
