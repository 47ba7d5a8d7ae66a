#include "solvers/exact/fixed_point.hpp"

namespace mdp::solvers {

FixedPoint::FixedPoint(const io::ExactModel& model, const Mdp& mdp, const std::vector<char>& usable, unsigned bits)
    : mdp_(mdp), usable_(usable), bits_(bits), probability_(at(mdp.n_transitions())), cost_(at(mdp.n_rows())) {
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    if (usable[at(row)] == 0) continue;
    const auto& exact = model.rows[at(row)];
    cost_[at(row)] = floor_of(exact.cost);
    std::size_t k = at(mdp.row_begin()[at(row)]);
    for (const auto& [next, p] : exact.to) probability_[k++] = floor_of(model.discount * p);
  }
}

mpz_class FixedPoint::floor_of(const mpq_class& x) const {
  mpz_class scaled = x.get_num() << bits_;
  mpz_fdiv_q(scaled.get_mpz_t(), scaled.get_mpz_t(), x.get_den_mpz_t());
  return scaled;
}

mpz_class FixedPoint::q(Offset row, const std::vector<mpz_class>& v) const {
  mpz_class sum;
  for (Offset k = mdp_.row_begin()[at(row)]; k < mdp_.row_begin()[at(row) + 1]; ++k) {
    mpz_addmul(sum.get_mpz_t(), probability_[at(k)].get_mpz_t(), v[at(mdp_.next_state()[at(k)])].get_mpz_t());
  }
  mpz_fdiv_q_2exp(sum.get_mpz_t(), sum.get_mpz_t(), bits_);
  return sum + cost_[at(row)];
}

}  // namespace mdp::solvers
