#include "libmdp/io/npy.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/utf8.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::io {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian, and so is every machine so far");

constexpr std::string_view magic = "\x93NUMPY";

/// The literals of the header, a Python dict of strings, booleans and a tuple of integers.
class HeaderText {
 public:
  explicit HeaderText(std::string_view text) : text_(text) {}

  void skip_space() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n')) text_.remove_prefix(1);
  }
  bool take(std::string_view token) {
    skip_space();
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  std::optional<std::string> string() {
    skip_space();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"')) return std::nullopt;
    const std::size_t end = text_.find(text_[0], 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string value(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return value;
  }
  std::optional<bool> boolean() {
    if (take("True")) return true;
    if (take("False")) return false;
    return std::nullopt;
  }
  /// "()", "(3,)", "(3, 4)"; each number below 2^63.
  std::optional<std::vector<std::int64_t>> tuple() {
    std::vector<std::int64_t> values;
    if (!take("(")) return std::nullopt;
    while (!take(")")) {
      skip_space();
      std::int64_t value = 0;
      std::size_t n_digits = 0;
      for (; n_digits < text_.size() && text_[n_digits] >= '0' && text_[n_digits] <= '9'; ++n_digits) {
        const int digit = text_[n_digits] - '0';
        if (value > (std::numeric_limits<std::int64_t>::max() - digit) / 10) return std::nullopt;
        value = value * 10 + digit;
      }
      if (n_digits == 0) return std::nullopt;
      text_.remove_prefix(n_digits);
      values.push_back(value);
      if (!take(",") && !text_.starts_with(')')) return std::nullopt;
    }
    return values;
  }
  bool at_end() {
    skip_space();
    return text_.empty();
  }

 private:
  std::string_view text_;
};

std::size_t little_endian(std::string_view bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Calls f(i, value) with each item as T.
template <class T, class F>
void each(std::span<const std::byte> data, F&& f) {
  for (std::size_t i = 0; i < data.size() / sizeof(T); ++i) f(i, load<T>(data.data() + i * sizeof(T)));
}

/// Calls f(i, value) with each integer, in its own type; false if `type` is no integer type.
template <class F>
bool each_integer(std::string_view type, std::span<const std::byte> data, F&& f) {
  if (type == "<i8") return each<std::int64_t>(data, f), true;
  if (type == "<i4") return each<std::int32_t>(data, f), true;
  if (type == "<i2") return each<std::int16_t>(data, f), true;
  if (type == "<u8") return each<std::uint64_t>(data, f), true;
  if (type == "<u4") return each<std::uint32_t>(data, f), true;
  if (type == "<u2") return each<std::uint16_t>(data, f), true;
  return false;
}

/// Bytes of an item of a known type, 0 for others. "<U5" are five code points of four bytes.
std::int64_t item_size_of(const std::string& type) {
  if (type == "<f8" || type == "<i8" || type == "<u8") return 8;
  if (type == "<i4" || type == "<u4") return 4;
  if (type == "<i2" || type == "<u2") return 2;
  if (!type.starts_with("<U") || type.size() < 3 || type.size() > 11) return 0;
  std::int64_t length = 0;
  for (const char c : type.substr(2)) {
    if (c < '0' || c > '9') return 0;
    length = length * 10 + (c - '0');
  }
  return 4 * length;
}

}  // namespace

NpyArray::NpyArray(std::span<const std::byte> bytes, std::string file, std::string place)
    : file_(std::move(file)), place_(std::move(place)) {
  const std::string_view text = as_text(bytes);
  if (!text.starts_with(magic) || text.size() < 10) fail("is not an array of NumPy: no \"\\x93NUMPY\" at its start");
  const auto version = little_endian(text.substr(6, 1));
  if (version < 1 || version > 3)
    fail("has NumPy format version " + std::to_string(version) + "; known are 1, 2 and 3");
  const std::size_t length_size = version == 1 ? 2 : 4;
  if (text.size() < 8 + length_size) fail("ends within its header");
  const std::size_t length = little_endian(text.substr(8, length_size));
  const std::size_t begin = 8 + length_size;
  if (length > text.size() - begin) fail("ends within its header");
  parse_header(text.substr(begin, length));
  data_ = bytes.subspan(begin + length);

  for (const std::int64_t n : shape_) {
    if (n != 0 && size_ > std::numeric_limits<std::int64_t>::max() / 4096 / n) fail("has an impossible shape");
    size_ *= n;
  }
  if (item_size_ > 0 && size_ > std::numeric_limits<std::int64_t>::max() / item_size_) fail("has an impossible shape");
  if (data_.size() != static_cast<std::size_t>(size_ * item_size_)) {
    fail("has " + std::to_string(data_.size()) + " bytes of data, its header says " + std::to_string(size_) +
         " items of " + std::to_string(item_size_) + " bytes");
  }
}

void NpyArray::parse_header(std::string_view header) {
  HeaderText text(header);
  std::optional<std::string> type;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::int64_t>> shape;
  bool good = text.take("{");
  while (good && !text.take("}")) {
    const auto key = text.string();
    good = key && text.take(":");
    if (!good) break;
    if (*key == "descr")
      type = text.string(), good = type.has_value();
    else if (*key == "fortran_order")
      fortran_order = text.boolean(), good = fortran_order.has_value();
    else if (*key == "shape")
      shape = text.tuple(), good = shape.has_value();
    else
      good = false;
    text.take(",");
  }
  if (!good || !text.at_end() || !type || !fortran_order || !shape) {
    fail("has a header that is not {'descr': '<f8', 'fortran_order': False, 'shape': (…)} with a simple type");
  }
  if (*fortran_order && shape->size() > 1) fail("is stored in Fortran order, required C order");
  item_size_ = item_size_of(*type);
  if (item_size_ == 0) {
    fail("has type " + *type + "; known are little-endian float64 (<f8), integers and texts (<U…)");
  }
  type_ = *std::move(type);
  shape_ = *std::move(shape);
}

Buffer<double> NpyArray::doubles() const {
  Buffer<double> values(static_cast<std::size_t>(size_));
  if (type_ == "<f8") {
    if (size_ > 0) std::memcpy(values.data(), data_.data(), data_.size());
    return values;
  }
  const bool known = each_integer(type_, data_, [&](std::size_t i, auto x) {
    values[i] = static_cast<double>(x);
    if (std::abs(values[i]) > 0x1p53) fail("entry " + std::to_string(i) + " is an integer beyond 2^53");
  });
  if (!known) fail("has type " + type_ + ", required float64 (<f8)");
  return values;
}

Buffer<std::int64_t> NpyArray::integers() const {
  Buffer<std::int64_t> values(static_cast<std::size_t>(size_));
  const bool known = each_integer(type_, data_, [&](std::size_t i, auto x) {
    if (!std::in_range<std::int64_t>(x)) fail("entry " + std::to_string(i) + " is beyond 2^63");
    values[i] = static_cast<std::int64_t>(x);
  });
  if (!known) fail("has type " + type_ + ", required int64 (<i8) or int32 (<i4)");
  return values;
}

Buffer<State> NpyArray::states(std::int64_t end) const {
  Buffer<State> values(static_cast<std::size_t>(size_));
  const bool known = each_integer(type_, data_, [&](std::size_t i, auto x) {
    if (std::cmp_less(x, 0) || std::cmp_greater_equal(x, end)) {
      fail("entry " + std::to_string(i) + " is state " + std::to_string(x) + ", required 0 to " +
           std::to_string(end - 1));
    }
    values[i] = static_cast<State>(x);
  });
  if (!known) fail("has type " + type_ + ", required int32 (<i4) or int64 (<i8)");
  return values;
}

std::vector<std::string> NpyArray::texts() const {
  if (!type_.starts_with("<U")) fail("has type " + type_ + ", required a text (<U…)");
  std::vector<std::string> texts(static_cast<std::size_t>(size_));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    each<std::uint32_t>(data_.subspan(i * static_cast<std::size_t>(item_size_), static_cast<std::size_t>(item_size_)),
                        [&](std::size_t, std::uint32_t code_point) {
                          if (code_point != 0 && !append_utf8(texts[i], code_point)) fail("holds an invalid character");
                        });
  }
  return texts;
}

void NpyArray::require_vector(std::int64_t length) const {
  if (shape_.size() != 1) fail("has " + std::to_string(shape_.size()) + " axes, required 1");
  if (length >= 0 && size_ != length) {
    fail("has " + std::to_string(size_) + " entries, required " + std::to_string(length));
  }
}

void NpyArray::fail(const std::string& what) const { throw InputError(file_, place_, what); }

std::string npy_header(std::string_view type, std::span<const std::int64_t> shape) {
  std::string dict = "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (";
  for (const std::int64_t n : shape) dict.append(std::to_string(n)).append(", ");
  if (shape.size() > 1) dict.resize(dict.size() - 2);
  if (shape.size() == 1) dict.pop_back();
  dict += "), }";
  const std::size_t before = magic.size() + 4;
  dict.append(63 - (before + dict.size()) % 64, ' ').push_back('\n');
  std::string header(magic);
  header.append({'\1', '\0', static_cast<char>(dict.size() & 0xff), static_cast<char>(dict.size() >> 8)});
  return header + dict;
}

std::vector<double> read_npy(const std::string& path) {
  const FileBytes file(path);
  const NpyArray array(file.bytes(), path, "");
  array.require_vector();
  const Buffer<double> values = array.doubles();
  return {values.begin(), values.end()};
}

void write_npy(const std::string& path, std::span<const double> values) {
  const auto length = static_cast<std::int64_t>(values.size());
  AtomicFile file(path);
  file.write(npy_header("<f8", std::span(&length, 1)));
  file.write(std::as_bytes(values));
  file.commit();
}

}  // namespace mdp::io
