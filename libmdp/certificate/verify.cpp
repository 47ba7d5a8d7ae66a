#include "libmdp/certificate/verify.hpp"

#include "libmdp/certificate/check.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/rational.hpp"

namespace mdp::certificate {

Verification verify_certificate(const std::string& model_path, const io::ReadOptions& options,
                                const std::string& discount, const std::string& certificate_path) {
  io::ExactModel model = io::read_exact_model(model_path, options);
  if (!discount.empty()) {
    const auto gamma = io::parse_rational(discount);
    if (!gamma || *gamma < 0 || *gamma > 1) throw InvalidOption("discount = " + discount + ", required in [0, 1]");
    model.discount = *gamma;
  }
  const Certificate c = read_certificate(certificate_path, model);
  Verification result;
  result.criterion = c.criterion;
  result.level = c.level;
  result.of_policy = !c.evaluated_policy.empty();
  if (c.criterion == "discounted" || c.criterion == "finite") result.discount = c.discount.get_str();
  if (c.criterion == "finite") result.horizon = c.horizon;
  result.model_sha256 = model_sha256(model);
  const auto violation = check(model, c);
  result.accepted = !violation;
  if (violation) {
    result.condition = violation->condition;
    result.where = violation->where;
  }
  return result;
}

std::string model_sha256_of(const std::string& model_path, const io::ReadOptions& options) {
  return model_sha256(io::read_exact_model(model_path, options));
}

}  // namespace mdp::certificate
