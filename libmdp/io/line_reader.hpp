// libmdp/io/line_reader.hpp — text files line by line and word by word, without copies. Internal.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "libmdp/error.hpp"

namespace mdp::io {

/// A word of a file as a message shows it: in quotes, at most 40 characters, control characters as \x00.
[[nodiscard]] std::string shown(std::string_view word);

/// "line 7" of the line that holds the character at `where`, inside `text`.
[[nodiscard]] std::string line_of(std::string_view text, const char* where);

/// Words are separated by blanks and tabs; \r\n ends a line like \n.
class LineReader {
 public:
  LineReader(std::string_view text, std::string file) : file_(std::move(file)), text_(text) {}

  /// Goes to the next line; false at the end of the file.
  bool next() {
    if (end_ >= text_.size()) return false;
    const std::size_t newline = std::min(text_.find('\n', end_), text_.size());
    line_ = text_.substr(end_, newline - end_);
    if (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
    end_ = newline + 1;
    at_ = 0;
    ++number_;
    return true;
  }
  /// The same, over lines that are blank or start with `comment`.
  bool next_line_of_data(std::string_view comment) {
    while (next()) {
      if (at_end()) continue;
      if (!line_.substr(at_).starts_with(comment)) return true;
    }
    return false;
  }

  /// The next word of the line, "" at its end.
  [[nodiscard]] std::string_view word() {
    skip_blanks();
    const std::size_t first = at_;
    while (at_ < line_.size() && line_[at_] != ' ' && line_[at_] != '\t') ++at_;
    return line_.substr(first, at_ - first);
  }
  [[nodiscard]] bool at_end() {
    skip_blanks();
    return at_ == line_.size();
  }
  /// What is left of the line, without blanks around it.
  [[nodiscard]] std::string_view rest();
  /// An integer in [0, end). \param what  for the message: "a state"
  std::int64_t position(std::int64_t end, const char* what) {
    const std::string_view text = word();
    std::int64_t value = -1;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || stop != text.data() + text.size() || value < 0 || value >= end || text[0] == '-') {
      fail_position(text, end, what);
    }
    return value;
  }
  /// \throws InputError unless the line is at its end.
  void require_end(const char* form) {
    if (!at_end()) fail("has more than " + std::string(form) + ": " + shown(word()));
  }

  [[nodiscard]] std::string_view line() const noexcept { return line_; }
  [[nodiscard]] std::int64_t number() const noexcept { return number_; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[noreturn]] void fail(const std::string& what) const;

 private:
  void skip_blanks() {
    while (at_ < line_.size() && (line_[at_] == ' ' || line_[at_] == '\t')) ++at_;
  }
  [[noreturn]] void fail_position(std::string_view text, std::int64_t end, const char* what) const;

  std::string file_;
  std::string_view text_;
  std::string_view line_;
  std::size_t end_ = 0;  // of the current line
  std::size_t at_ = 0;   // in it
  std::int64_t number_ = 0;
};

}  // namespace mdp::io
