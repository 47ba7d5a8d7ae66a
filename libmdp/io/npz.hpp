// libmdp/io/npz.hpp — .npz files: array models, and arrays of results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmdp/io/read.hpp"
#include "libmdp/io/write.hpp"

namespace mdp::io {

/// Writes named arrays into a .npz file that numpy.load() reads. Nothing is in place before commit().
///
///     NpzWriter out("result.npz");
///     out.add("value", r.values);
///     out.commit();
class NpzWriter {
 public:
  /// \throws OutputError.
  explicit NpzWriter(const std::string& path, Compression compression = Compression::none);
  ~NpzWriter();

  /// An array in C order.
  /// \param shape  its product is the number of values.  \throws InvalidArgument if not; OutputError.
  void add(std::string_view name, std::span<const double> values, std::span<const std::int64_t> shape);
  void add(std::string_view name, std::span<const std::int64_t> values, std::span<const std::int64_t> shape);
  void add(std::string_view name, std::span<const std::int32_t> values, std::span<const std::int64_t> shape);
  /// A vector.
  template <class Vector>
  void add(std::string_view name, const Vector& values) {
    const std::int64_t length = static_cast<std::int64_t>(std::size(values));
    add(name, std::span<const typename Vector::value_type>(values), std::span(&length, 1));
  }
  /// A 0-d array.
  void add_scalar(std::string_view name, double value);
  void add_text(std::string_view name, std::string_view value);
  /// A vector of texts.
  /// \param shape  empty = one dimension
  void add_texts(std::string_view name, std::span<const std::string> values, std::span<const std::int64_t> shape = {});
  /// \throws OutputError.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Reads an array model (docs/formats.md, section 2). \throws InputError, InvalidOption.
[[nodiscard]] Mdp read_npz(std::span<const std::byte> bytes, const std::string& file, const ReadOptions& options = {});

/// Writes an array model; read_npz() gives back the same bits, tails and names included.  \throws OutputError.
void write_npz(const std::string& path, const Mdp& mdp, Compression compression = Compression::none);

}  // namespace mdp::io
