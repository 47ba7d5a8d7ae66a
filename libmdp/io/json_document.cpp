#include "libmdp/io/json_document.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libmdp/error.hpp"
#include "libmdp/io/rational.hpp"

namespace mdp::io {
namespace {

/// Iterates over a text and tells how far the parser has come.
class TrackedIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackedIterator(const char* at, const char** position) : at_(at), position_(position) {}
  reference operator*() const { return *at_; }
  TrackedIterator& operator++() {
    *position_ = ++at_;
    return *this;
  }
  TrackedIterator operator++(int) {
    TrackedIterator old = *this;
    ++*this;
    return old;
  }
  friend bool operator==(const TrackedIterator& a, const TrackedIterator& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  const char** position_;
};

std::string line_text(std::string_view text, std::size_t end) {
  end = std::min(end, text.size());
  const auto first = text.begin();
  return std::to_string(1 + std::count(first, first + static_cast<std::ptrdiff_t>(end), '\n'));
}

/// nlohmann's "[json.exception.parse_error.101] parse error at line 1, column 9: syntax error …" without its head.
std::string reason(const std::string& message) {
  const std::size_t head = message.find("] ");
  const std::string tail = head == std::string::npos ? message : message.substr(head + 2);
  const std::size_t place = tail.rfind("parse error at", 0) == 0 ? tail.find(": ") : std::string::npos;
  return "is not valid JSON: " + (place == std::string::npos ? tail : tail.substr(place + 2));
}

}  // namespace

std::string Place::text() const {
  std::string before = up ? up->text() : "";
  if (index >= 0) return before + "[" + std::to_string(index) + "]";
  if (key.empty()) return before;
  return before + (before.empty() ? "" : ".") + std::string(key);
}

/// Receives the parser's events and appends nodes.
class JsonDocument::Collector : public nlohmann::json::json_sax_t {
 public:
  Collector(JsonDocument& document, const char* const& position) : document_(document), position_(position) {}

  bool null() override { return add(Kind::null, 0); }
  bool boolean(bool value) override { return add(Kind::boolean, value); }
  bool number_integer(number_integer_t value) override { return add(Kind::integer, value); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value <= static_cast<number_unsigned_t>(INT64_MAX)) return add(Kind::integer, static_cast<std::int64_t>(value));
    return add_text(Kind::decimal, std::to_string(value));
  }
  bool number_float(number_float_t, const string_t& digits) override { return add_text(Kind::decimal, digits); }
  bool string(string_t& value) override { return add_text(Kind::string, value); }
  bool binary(binary_t&) override { return false; }  // JSON text has none
  bool start_object(std::size_t) override { return open(Kind::object); }
  bool key(string_t& value) override { return add_text(Kind::string, value); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Kind::array); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) override {
    // The text ends early: the parser stands behind it.
    const std::size_t before = position > 0 ? position - 1 : 0;
    throw InputError(document_.file_, "line " + line_text(document_.text_, before), reason(error.what()));
  }

 private:
  bool add(Kind kind, std::int64_t number, std::uint32_t length = 0) {
    auto& nodes = document_.nodes_;
    if (nodes.size() >= UINT32_MAX) throw InputError(document_.file_, "", "holds more than 2^32 values");
    const auto value = static_cast<Value>(nodes.size());
    nodes.push_back({number, static_cast<std::uint64_t>(position_ - document_.text_.data()), length, 0, 0, kind});
    if (!open_.empty()) {
      Level& level = open_.back();
      (level.last == 0 ? nodes[level.container].first : nodes[level.last].next) = value;
      level.last = value;
    }
    return true;
  }
  bool add_text(Kind kind, const std::string& text) {
    const auto first = static_cast<std::int64_t>(document_.strings_.size());
    if (text.size() > UINT32_MAX) throw InputError(document_.file_, "", "holds a string of more than 4 GB");
    document_.strings_ += text;
    return add(kind, first, static_cast<std::uint32_t>(text.size()));
  }
  bool open(Kind kind) {
    add(kind, 0);
    open_.push_back({static_cast<Value>(document_.nodes_.size() - 1), 0});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  struct Level {
    Value container, last;
  };
  JsonDocument& document_;
  const char* const& position_;
  std::vector<Level> open_;
};

JsonDocument::JsonDocument(std::string file, std::string_view text) : file_(std::move(file)), text_(text) {
  const char* position = text.data();
  Collector collector(*this, position);
  nlohmann::json::sax_parse(TrackedIterator(text.data(), &position),
                            TrackedIterator(text.data() + text.size(), &position), &collector);
}

std::string_view JsonDocument::text_of(const Node& node) const {
  return std::string_view(strings_).substr(static_cast<std::size_t>(node.number), node.length);
}

void JsonDocument::require(Value v, Kind kind, const Place& place, const char* article_and_kind) const {
  if (!is(v, kind)) fail(v, place, std::string("must be ") + article_and_kind + ", not " + shown(v));
}

std::int64_t JsonDocument::size(Value v) const {
  std::int64_t n = 0;
  for (Value child = nodes_[v].first; child != 0; child = nodes_[child].next) ++n;
  return is(v, Kind::object) ? n / 2 : n;
}

std::vector<JsonDocument::Value> JsonDocument::array(Value v, const Place& place) const {
  std::vector<Value> elements;
  each(v, place, [&](std::int64_t, Value element) { elements.push_back(element); });
  return elements;
}

std::vector<JsonDocument::Member> JsonDocument::object(Value v, const Place& place) const {
  require(v, Kind::object, place, "an object");
  std::vector<Member> members;
  for (Value key = nodes_[v].first; key != 0; key = nodes_[nodes_[key].next].next) {
    members.push_back({text_of(nodes_[key]), nodes_[key].next});
  }
  std::vector<Member> sorted = members;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
  const auto twice =
      std::adjacent_find(sorted.begin(), sorted.end(), [](const Member& a, const Member& b) { return a.key == b.key; });
  if (twice != sorted.end()) fail((twice + 1)->value, place[twice->key], "the key stands twice");
  return members;
}

JsonDocument::Value JsonDocument::find(Value object, std::string_view key) const {
  if (!is(object, Kind::object)) return 0;
  for (Value k = nodes_[object].first; k != 0; k = nodes_[nodes_[k].next].next) {
    if (text_of(nodes_[k]) == key) return nodes_[k].next;
  }
  return 0;
}

std::string_view JsonDocument::string(Value v, const Place& place) const {
  require(v, Kind::string, place, "a string");
  return text_of(nodes_[v]);
}

std::int64_t JsonDocument::integer(Value v, const Place& place) const {
  require(v, Kind::integer, place, "an integer");
  return nodes_[v].number;
}

bool JsonDocument::boolean(Value v, const Place& place) const {
  require(v, Kind::boolean, place, "true or false");
  return nodes_[v].number != 0;
}

mpq_class JsonDocument::rational(Value v, const Place& place) const {
  const Node& node = nodes_[v];
  if (node.kind == Kind::integer) return mpq_class(static_cast<long>(node.number));
  if (node.kind == Kind::decimal || node.kind == Kind::string) {
    if (auto x = parse_rational(text_of(node))) return *std::move(x);
  }
  fail(v, place, "must be a number or a string \"a/b\", 0 or of a size that doubles have, not " + shown(v));
}

std::string JsonDocument::shown(Value v) const {
  const Node& node = nodes_[v];
  const auto shortened = [](std::string_view text, const char* quote = "") {
    return quote + std::string(text.substr(0, 40)) + (text.size() > 40 ? "…" : "") + quote;
  };
  switch (node.kind) {
    case Kind::null: return "null";
    case Kind::boolean: return node.number != 0 ? "true" : "false";
    case Kind::integer: return std::to_string(node.number);
    case Kind::decimal: return shortened(text_of(node));
    case Kind::string: return shortened(text_of(node), "\"");
    case Kind::array: return "an array";
    case Kind::object: return "an object";
  }
  return "";
}

void JsonDocument::fail(Value v, const Place& place, const std::string& what) const {
  // The parser reads one character beyond a number, never beyond other values: one back is inside both.
  const std::string line = "line " + line_text(text_, nodes_[v].end > 0 ? nodes_[v].end - 1 : 0);
  const std::string entry = place.text();
  throw InputError(file_, entry.empty() ? line : entry + " (" + line + ")", what);
}

}  // namespace mdp::io
