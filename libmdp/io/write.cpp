#include "libmdp/io/write.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "libmdp/error.hpp"
#include "libmdp/io/drn.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/json.hpp"
#include "libmdp/io/npz.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/io/tra.hpp"
#include "libmdp/io/umb.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::io {
namespace {

/// True where every number equals the shortest decimal that reads back to it.
bool are_decimals(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(),
                     [](double x) { return std::isinf(x) || *parse_rational(shortest_text(x)) == mpq_class(x); });
}

/// What .tra and .drn have no place for.
void lost_in_explicit(const std::string& format, const Mdp& mdp, std::vector<std::string>& lost) {
  if (mdp.exact_discount().complement.hi != 0.0) {
    lost.push_back("the discount: say --discount " + exact_text(mdp.exact_discount()) + " where the file is read");
  }
  if (mdp.objective() == Objective::maximize) {
    lost.emplace_back("the objective: say --objective maximize where the file is read");
  }
  double mass = 0.0;
  for (const double p : mdp.initial()) mass = std::max(mass, p);
  if (std::any_of(mdp.initial().begin(), mdp.initial().end(), [&](double p) { return p != 0.0 && p != mass; })) {
    lost.emplace_back("the initial probabilities: the initial states are marked, and count alike");
  }
  if (format == "drn" && !mdp.names().states.empty()) lost.emplace_back("the names of the states");
}

}  // namespace

void write_mdp(const std::string& path, const Mdp& mdp, const WriteOptions& options) {
  const std::string format = extension(path);
  if (format == "json") return write_file(path, json_text(mdp));
  if (format == "npz") return write_npz(path, mdp, options.compression);
  if (format == "umb") return write_umb(path, mdp, options.compression);
  if (format == "tra") return write_tra(path, mdp);
  if (format == "drn") return write_drn(path, mdp);
  throw InputError(path, "", "is of no known format; known by file name: .json, .npz, .umb, .tra, .drn");
}

std::vector<std::string> lost_in(std::string_view name, const Mdp& mdp) {
  const std::string format = name.find('.') == std::string_view::npos ? std::string(name) : extension(name);
  constexpr std::array<std::string_view, 5> formats = {"json", "npz", "umb", "tra", "drn"};
  if (std::find(formats.begin(), formats.end(), format) == formats.end()) {
    throw InvalidArgument("\"" + std::string(name) +
                          "\" is no format of models; known are json, npz, umb, tra and drn");
  }
  const bool text = format != "npz" && format != "umb";
  std::vector<std::string> lost;
  if (mdp.row_sum_defect() > static_cast<double>(mdp.max_row_length()) * unit_roundoff) {
    lost.push_back("the defect of the input's row sums, " + shortest_text(mdp.row_sum_defect()) +
                   ": rows are written normalised");
  }
  if (text && mdp.probability_tail().empty() && !are_decimals(mdp.probability())) {
    lost.emplace_back(
        "the last half unit of probabilities: each is written as the shortest decimal of its double, and "
        "decimals are taken as written");
  }
  if (text && mdp.cost_tail().empty() && !are_decimals(mdp.cost())) {
    lost.emplace_back(
        "the last half unit of costs: each is written as the shortest decimal of its double, and decimals "
        "are taken as written");
  }
  if (format == "tra" || format == "drn") lost_in_explicit(format, mdp, lost);
  return lost;
}

}  // namespace mdp::io
