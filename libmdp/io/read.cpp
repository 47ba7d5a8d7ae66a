#include "libmdp/io/read.hpp"

#include <cmath>
#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/io/drn.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/json.hpp"
#include "libmdp/io/npz.hpp"
#include "libmdp/io/tra.hpp"
#include "libmdp/io/umb.hpp"

namespace mdp::io {

std::string ReadOptions::check() const {
  if (!(row_sum_tolerance >= 0.0 && row_sum_tolerance < 1.0)) {
    return "row_sum_tolerance must lie in [0, 1), not " + std::to_string(row_sum_tolerance);
  }
  if (threads < 0) return "threads must be 0 (all) or more, not " + std::to_string(threads);
  return "";
}

Mdp read_mdp(const std::string& path, const ReadOptions& options) {
  if (const std::string broken = options.check(); !broken.empty()) throw InvalidOption(broken);
  const std::string format = extension(path);
  if (format == "tra") {
    ExplicitFiles files = read_tra(path, options);
    return mdp_of(std::move(files.model), options);
  }
  const FileBytes file(path);
  if (format == "json") return read_json(file.bytes(), path, options);
  if (format == "npz") return read_npz(file.bytes(), path, options);
  if (format == "umb") return read_umb(file.bytes(), path, options);
  if (is_drn(path)) {
    Buffer<std::byte> unpacked;
    return mdp_of(parse_drn(drn_text(file.bytes(), path, unpacked), path, options), options);
  }
  throw InputError(path, "", "is of no known format; known by file name: .json, .npz, .umb, .tra, .drn");
}

}  // namespace mdp::io
