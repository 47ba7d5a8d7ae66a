#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"
#include "libmdp/certificate/verify.hpp"

namespace mdp::cli {
namespace {

struct VerifyCommand {
  std::string file;
  std::string certificate;
  ModelFlags model;
};

std::string violation_text(const certificate::Verification& found) {
  return found.where.empty() ? found.condition : fmt::format("{} ({})", found.condition, found.where);
}

int run_verify(const VerifyCommand& command, const CommonFlags& common) {
  require_writable(common);
  const certificate::Verification found = certificate::verify_certificate(
      command.file, command.model.options(common.threads), command.model.discount_text(), command.certificate);
  Result result;
  result.set("accepted", found.accepted);
  result.set("criterion", found.criterion);
  result.set("level", found.level);
  result.set("of_policy", found.of_policy);
  if (!found.discount.empty()) result.set("discount", found.discount);
  if (found.horizon >= 0) result.set("horizon", found.horizon);
  result.set("model_sha256", found.model_sha256);
  if (!found.accepted) result.set("violated", found.condition);
  if (!found.where.empty()) result.set("where", found.where);
  present(common, result, [&] {
    Facts facts;
    facts.add("certificate", found.accepted ? std::string("accepted") : "rejected: " + violation_text(found));
    facts.add("claim", fmt::format("{}, {}{}{}", found.criterion, found.level, found.of_policy ? ", of a policy" : "",
                                   found.discount.empty() ? "" : ", discount " + found.discount));
    if (found.horizon >= 0) facts.add("stages", fmt::format("{}", found.horizon));
    facts.add("model", found.model_sha256);
    return facts.text();
  });
  return found.accepted ? exit_done : exit_not_met;
}

}  // namespace

void add_verify_certificate(Command& command) {
  const auto it = std::make_shared<VerifyCommand>();
  command.parser().add_option("FILE", it->file, "The model: .json, .npz or .umb")->required();
  command.parser()
      .add_option("C", it->certificate, "The certificate, written by solve or evaluate --certificate")
      ->required();
  it->model.add_to(command);
  command.add_common_flags({.threads = false});
  command.examples(
      "  mdp solve model.json --level exact --certificate proof.json\n"
      "  mdp verify-certificate model.json proof.json");
  command.run([it, &command] { return run_verify(*it, command.common()); });
}

}  // namespace mdp::cli
