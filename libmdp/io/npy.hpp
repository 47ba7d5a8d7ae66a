// libmdp/io/npy.hpp — arrays of NumPy: .npy files and the members of .npz files (NEP 1, format versions 1 to 3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmdp/buffer.hpp"
#include "libmdp/types.hpp"

namespace mdp::io {

/// A parsed .npy image, in C order; its data are a view. Numbers are little-endian.
class NpyArray {
 public:
  /// \param file, place  for messages.  \throws InputError if the header is malformed, if the type is not a
  /// little-endian number or a text, if the order is Fortran's, or if the data are not exactly as long as the header says.
  NpyArray(std::span<const std::byte> bytes, std::string file, std::string place);

  [[nodiscard]] const std::vector<std::int64_t>& shape() const noexcept { return shape_; }
  /// Product of the shape; 1 for a 0-d array.
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }

  /// All numbers. Integers are taken where float64 is asked for if they are exact there.
  /// \throws InputError if the type is another.
  [[nodiscard]] Buffer<double> doubles() const;
  [[nodiscard]] Buffer<std::int64_t> integers() const;
  /// Integers in [0, end), where end <= 2^31 - 1.  \throws InputError naming the first entry outside.
  [[nodiscard]] Buffer<State> states(std::int64_t end) const;
  /// Texts as UTF-8.
  [[nodiscard]] std::vector<std::string> texts() const;

  /// \throws InputError unless this is an array of one axis (of that length, if >= 0).
  void require_vector(std::int64_t length = -1) const;
  [[noreturn]] void fail(const std::string& what) const;

 private:
  void parse_header(std::string_view header);

  std::string file_, place_;
  std::string type_;  // as in the header, "<f8"
  std::int64_t item_size_ = 0;
  std::vector<std::int64_t> shape_;
  std::int64_t size_ = 1;
  std::span<const std::byte> data_;
};

/// The bytes before the data of a .npy image: magic, version and header, padded to a multiple of 64.
[[nodiscard]] std::string npy_header(std::string_view type, std::span<const std::int64_t> shape);

/// Reads a vector of numbers from a .npy file.  \throws InputError.
[[nodiscard]] std::vector<double> read_npy(const std::string& path);

/// Writes a vector of float64, whole or not at all.  \throws OutputError.
void write_npy(const std::string& path, std::span<const double> values);

}  // namespace mdp::io
