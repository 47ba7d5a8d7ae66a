#include "libmdp/io/write.hpp"

#include "libmdp/error.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/json.hpp"
#include "libmdp/io/npz.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::io {

void write_mdp(const std::string& path, const Mdp& mdp, const WriteOptions& options) {
  const std::string format = extension(path);
  if (format == "json") return write_file(path, json_text(mdp));
  if (format == "npz") return write_npz(path, mdp, options.compression);
  throw InputError(path, "", "is of no known format; known by file name: .json, .npz, .umb");
}

}  // namespace mdp::io
