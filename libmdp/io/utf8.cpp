#include "libmdp/io/utf8.hpp"

#include <algorithm>
#include <bit>

namespace mdp::io {
namespace {

constexpr std::uint32_t replacement = 0xFFFD;

bool is_character(std::uint32_t code_point) {
  return code_point <= 0x10FFFF && !(code_point >= 0xD800 && code_point <= 0xDFFF);
}

}  // namespace

bool append_utf8(std::string& text, std::uint32_t code_point) {
  if (!is_character(code_point)) return false;
  if (code_point < 0x80) {
    text += static_cast<char>(code_point);
    return true;
  }
  const int n_more = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
  const std::uint32_t lead = (0xFF00u >> (n_more + 1)) & 0xFFu;
  text += static_cast<char>(lead | code_point >> (6 * n_more));
  for (int i = n_more - 1; i >= 0; --i) text += static_cast<char>(0x80u | (code_point >> (6 * i) & 0x3Fu));
  return true;
}

std::vector<std::uint32_t> code_points(std::string_view text) {
  std::vector<std::uint32_t> points;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const auto n_bytes = static_cast<std::size_t>(std::max(1, std::countl_one(lead)));
    std::uint32_t point = n_bytes == 1 ? lead : lead & (0x7Fu >> n_bytes);
    bool good = lead < 0x80 || (n_bytes >= 2 && n_bytes <= 4 && at + n_bytes <= text.size());
    for (std::size_t i = 1; good && i < n_bytes; ++i) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      good = next >> 6 == 2;
      point = point << 6 | (next & 0x3Fu);
    }
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    good = good && point >= smallest[n_bytes] && is_character(point);
    points.push_back(good ? point : replacement);
    at += good ? n_bytes : 1;
  }
  return points;
}

}  // namespace mdp::io
