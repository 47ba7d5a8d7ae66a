// libmdp/io/json_document.hpp — a JSON text whose numbers keep their digits and whose values know their line. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gmpxx.h>

namespace mdp::io {

/// Where a value stands in its document, for messages: "choices[3].to[1]". Lives on the stack of the reader.
struct Place {
  const Place* up = nullptr;
  std::string_view key;     ///< of an object, or
  std::int64_t index = -1;  ///< of an array

  [[nodiscard]] Place operator[](std::int64_t i) const { return {this, {}, i}; }
  [[nodiscard]] Place operator[](std::string_view name) const { return {this, name, -1}; }
  [[nodiscard]] std::string text() const;
};

/// A parsed JSON text: flat arrays of nodes and of strings, 32 bytes a value. Doubles are never made of its numbers.
class JsonDocument {
 public:
  enum class Kind : std::uint8_t { null, boolean, integer, decimal, string, array, object };

  /// A value of the document (a position in it).
  using Value = std::uint32_t;
  struct Member {
    std::string_view key;
    Value value;
  };

  /// \param file  the name for messages. The text is kept by reference: it must outlive the document.
  /// \throws InputError with the line of the first error of syntax.
  JsonDocument(std::string file, std::string_view text);

  [[nodiscard]] Value root() const noexcept { return 0; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] Kind kind(Value v) const { return nodes_[v].kind; }
  [[nodiscard]] bool is(Value v, Kind kind) const { return nodes_[v].kind == kind; }

  /// Elements of an array, values of an object's members.  \throws InputError if v is not an array.
  [[nodiscard]] std::vector<Value> array(Value v, const Place& place) const;
  /// Calls f(i, element) for each element of an array.  \throws InputError if v is not an array.
  template <class F>
  void each(Value v, const Place& place, F&& f) const {
    require(v, Kind::array, place, "an array");
    std::int64_t i = 0;
    for (Value child = nodes_[v].first; child != 0; child = nodes_[child].next) f(i++, child);
  }
  /// Number of elements or members.
  [[nodiscard]] std::int64_t size(Value v) const;
  /// Members of an object in the order of the file.  \throws InputError if v is no object or a key stands twice.
  [[nodiscard]] std::vector<Member> object(Value v, const Place& place) const;
  /// The member of an object with that key (the first), or 0.
  [[nodiscard]] Value find(Value object, std::string_view key) const;
  /// \throws InputError if v is not a string.
  [[nodiscard]] std::string_view string(Value v, const Place& place) const;
  /// \throws InputError if v is not an integer that fits 64 bits.
  [[nodiscard]] std::int64_t integer(Value v, const Place& place) const;
  [[nodiscard]] bool boolean(Value v, const Place& place) const;
  /// A number, or a string "a/b" or "1.5", exactly.  \throws InputError.
  [[nodiscard]] mpq_class rational(Value v, const Place& place) const;

  /// The value as it stands in the file, shortened: for messages.
  [[nodiscard]] std::string shown(Value v) const;
  /// \throws InputError "file: choices[3].cost (line 12): what".
  [[noreturn]] void fail(Value v, const Place& place, const std::string& what) const;

 private:
  struct Node {
    std::int64_t number = 0;   // integer, boolean; else the first character of a string in strings_
    std::uint64_t end = 0;     // position in the text behind the value's first token
    std::uint32_t length = 0;  // of the string
    Value first = 0, next = 0;
    Kind kind = Kind::null;
  };
  class Collector;

  void require(Value v, Kind kind, const Place& place, const char* article_and_kind) const;
  [[nodiscard]] std::string_view text_of(const Node& node) const;

  std::string file_;
  std::string_view text_;
  std::vector<Node> nodes_;
  std::string strings_;  // contents of strings and digits of decimals
};

}  // namespace mdp::io
