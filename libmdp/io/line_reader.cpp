#include "libmdp/io/line_reader.hpp"

#include <algorithm>

namespace mdp::io {

std::string shown(std::string_view word) {
  constexpr std::size_t longest = 40;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : word.substr(0, longest)) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code != 0x7f) {
      text += c;
    } else {
      text += std::string("\\x") + digits[code >> 4] + digits[code & 15];
    }
  }
  return text + (word.size() > longest ? "...\"" : "\"");
}

std::string line_of(std::string_view text, const char* where) {
  return "line " + std::to_string(1 + std::count(text.data(), where, '\n'));
}

std::string_view LineReader::rest() {
  skip_blanks();
  std::string_view left = line_.substr(at_);
  while (!left.empty() && (left.back() == ' ' || left.back() == '\t')) left.remove_suffix(1);
  at_ = line_.size();
  return left;
}

void LineReader::fail(const std::string& what) const {
  throw InputError(file_, number_ > 0 ? "line " + std::to_string(number_) : "", what);
}

void LineReader::fail_position(std::string_view text, std::int64_t end, const char* what) const {
  if (text.empty()) fail("ends where " + std::string(what) + " is expected");
  fail(shown(text) + " is not " + what + ": required an integer from 0 to " + std::to_string(end - 1));
}

}  // namespace mdp::io
