#include "libmdp/io/write.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/error.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/json.hpp"
#include "libmdp/io/npz.hpp"
#include "libmdp/io/rational.hpp"
#include "libmdp/io/umb.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::io {
namespace {

/// True where every number equals the shortest decimal that reads back to it.
bool are_decimals(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(),
                     [](double x) { return std::isinf(x) || *parse_rational(shortest_text(x)) == mpq_class(x); });
}

}  // namespace

void write_mdp(const std::string& path, const Mdp& mdp, const WriteOptions& options) {
  const std::string format = extension(path);
  if (format == "json") return write_file(path, json_text(mdp));
  if (format == "npz") return write_npz(path, mdp, options.compression);
  if (format == "umb") return write_umb(path, mdp, options.compression);
  throw InputError(path, "", "is of no known format; known by file name: .json, .npz, .umb");
}

std::vector<std::string> lost_in(std::string_view name, const Mdp& mdp) {
  const std::string format = name.find('.') == std::string_view::npos ? std::string(name) : extension(name);
  if (format != "json" && format != "npz" && format != "umb") {
    throw InvalidArgument("\"" + std::string(name) + "\" is no format of models; known are json, npz and umb");
  }
  std::vector<std::string> lost;
  if (mdp.row_sum_defect() > static_cast<double>(mdp.max_row_length()) * unit_roundoff) {
    lost.push_back("the defect of the input's row sums, " + shortest_text(mdp.row_sum_defect()) +
                   ": rows are written normalised");
  }
  if (format == "json" && mdp.probability_tail().empty() && !are_decimals(mdp.probability())) {
    lost.emplace_back(
        "the last half unit of probabilities: each is written as the shortest decimal of its double, and "
        "decimals are taken as written");
  }
  if (format == "json" && mdp.cost_tail().empty() && !are_decimals(mdp.cost())) {
    lost.emplace_back(
        "the last half unit of costs: each is written as the shortest decimal of its double, and decimals "
        "are taken as written");
  }
  return lost;
}

}  // namespace mdp::io
