// Certificates as JSON files.
#include "libmdp/certificate/certificate.hpp"

#include <functional>
#include <utility>

#include "libmdp/certificate/policy_chain.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/json_document.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::certificate {
namespace {

using io::JsonDocument;
using io::Place;
using Value = JsonDocument::Value;
using Kind = JsonDocument::Kind;

bool discounts(const Certificate& c) { return c.criterion == "discounted" || c.criterion == "finite"; }
std::string stem_of(const Certificate& c) { return c.criterion == "average" ? "gain" : "value"; }

/// The members of the evidence that have one number per state, by their keys.
template <class Certificate, class F>
void each_rank(Certificate& c, F&& f) {
  f("dead_rank", c.dead_rank);
  f("policy_rank", c.policy_rank);
  f("row_rank", c.row_rank);
  f("infinite_rank", c.infinite_rank);
  f("no_gain_rank", c.no_gain_rank);
  f("no_pay_rank", c.no_pay_rank);
  f("rest_rank", c.rest_rank);
  f("loop_rank", c.loop_rank);
  f("in_loop", c.in_loop);
}
template <class Certificate, class F>
void each_evidence_vector(Certificate& c, F&& f) {
  f("loop_potential", c.loop_potential);
  f("potential", c.potential_lower);
  f("potential_upper", c.potential_upper);
}

class Writer {
 public:
  explicit Writer(const Certificate& c) : c_(c) {}

  std::string text() {
    open("");
    field("format", quoted("mdp-certificate"));
    field("version", "1");
    field("model_sha256", quoted(c_.model_sha256));
    field("criterion", quoted(c_.criterion));
    if (!c_.improper.empty()) field("improper", quoted(c_.improper));
    field("objective", quoted(c_.objective == Objective::minimize ? "minimize" : "maximize"));
    field("level", quoted(c_.level));
    if (discounts(c_)) field("discount", quoted(c_.discount.get_str()));
    if (c_.criterion == "finite") {
      field("horizon", std::to_string(c_.horizon));
      field("terminal", list(in_sense(c_.objective, c_.terminal)));
    }
    if (!c_.evaluated_policy.empty()) field("evaluated_policy", list(c_.evaluated_policy));
    const bool turned = c_.objective == Objective::maximize;
    if (c_.lower == c_.upper) {
      field(stem_of(c_), stages(c_.lower, true));
    } else {
      field(stem_of(c_) + "_lower", stages(turned ? c_.upper : c_.lower, true));
      field(stem_of(c_) + "_upper", stages(turned ? c_.lower : c_.upper, true));
    }
    field("policy", policies());
    open("evidence");
    if (!c_.evidence_lower.empty()) field("lower", stages(c_.evidence_lower, false));
    if (!c_.evidence_upper.empty()) field("upper", stages(c_.evidence_upper, false));
    each_rank(c_, [&](const char* key, const auto& rank) {
      if (!rank.empty()) field(key, list(rank));
    });
    if (!c_.proper_policy.empty()) field("proper_policy", list(c_.proper_policy));
    each_evidence_vector(c_, [&](const char* key, const Values& x) {
      if (!x.empty()) field(key, list(x));
    });
    close();
    close();
    return text_ + "\n";
  }

 private:
  static std::string quoted(const std::string& word) { return "\"" + word + "\""; }
  static std::string item(const Extended& x) { return quoted(io::text_of(x)); }
  static std::string item(const mpq_class& x) { return quoted(x.get_str()); }
  template <class Integer>
  static std::string item(Integer x) {
    return std::to_string(x);
  }
  template <class T>
  static std::string list(const std::vector<T>& items) {
    std::string text = "[";
    for (const T& x : items) text += (text.size() > 1 ? ", " : "") + item(x);
    return text + "]";
  }
  // Of one vector, or of several in an array.
  std::string stages(const std::vector<Values>& values, bool as_in_file) const {
    std::string text;
    for (const Values& stage : values) {
      text += (text.empty() ? "" : ", ") + list(as_in_file ? in_sense(c_.objective, stage) : stage);
    }
    return c_.criterion == "finite" ? "[" + text + "]" : text;
  }
  std::string policies() const {
    std::string text;
    for (const Policy& policy : c_.policy) text += (text.empty() ? "" : ", ") + list(policy);
    return c_.criterion == "finite" ? "[" + text + "]" : text;
  }
  void field(const std::string& key, const std::string& value) {
    text_ += (first_ ? "\n  " : ",\n  ") + quoted(key) + ": " + value;
    first_ = false;
  }
  void open(const std::string& key) {
    if (!key.empty()) field(key, "");
    text_ += "{";
    first_ = true;
  }
  void close() {
    text_ += "\n}";
    first_ = false;
  }

  const Certificate& c_;
  std::string text_;
  bool first_ = true;
};

class Reader {
 public:
  Reader(const JsonDocument& document, const io::ExactModel& model)
      : document_(document), model_(model), n_states_(model.n_states) {}

  Certificate read() {
    if (word("format") != "mdp-certificate") fail("format", "must be \"mdp-certificate\"");
    if (document_.integer(required("version"), root_["version"]) != 1) fail("version", "must be 1");
    c_.model_sha256 = word("model_sha256");
    c_.criterion = one_of("criterion", {"discounted", "finite", "total", "goal", "reach", "average"});
    if (c_.criterion == "goal") c_.improper = one_of("improper", {"infinite", "excluded"});
    const bool turned = one_of("objective", {"minimize", "maximize"}) == "maximize";
    c_.objective = turned ? Objective::maximize : Objective::minimize;
    c_.level = one_of("level", {"exact", "certified"});
    if (discounts(c_)) c_.discount = document_.rational(required("discount"), root_["discount"]);
    if (c_.criterion == "finite") {
      c_.horizon = document_.integer(required("horizon"), root_["horizon"]);
      if (c_.horizon < 0) fail("horizon", "must be >= 0");
      c_.terminal = in_sense(c_.objective, values(required("terminal"), root_["terminal"]));
    }
    read_evaluated_policy();
    read_claim(turned);
    read_evidence();
    return std::move(c_);
  }

 private:
  [[noreturn]] void fail(std::string_view key, const std::string& what) const {
    document_.fail(required(key), root_[key], what);
  }
  Value required(std::string_view key) const {
    const Value v = document_.find(document_.root(), key);
    if (v == 0) document_.fail(document_.root(), root_, "the key \"" + std::string(key) + "\" is missing");
    return v;
  }
  std::string word(std::string_view key) const { return std::string(document_.string(required(key), root_[key])); }
  std::string one_of(std::string_view key, std::initializer_list<std::string_view> allowed) const {
    std::string text = word(key);
    for (const auto candidate : allowed) {
      if (text == candidate) return text;
    }
    fail(key, "is no word that is known here");
  }

  void require_length(Value v, const Place& place, std::int64_t n) const {
    if (!document_.is(v, Kind::array) || document_.size(v) != n) {
      document_.fail(v, place, "must be an array of " + std::to_string(n));
    }
  }
  Values values(Value v, const Place& place) const {
    require_length(v, place, n_states_);
    Values result;
    document_.each(v, place, [&](std::int64_t i, Value entry) {
      auto x = io::parse_extended(document_.string(entry, place[i]));
      if (!x) document_.fail(entry, place[i], "must be \"a/b\", \"inf\" or \"-inf\"");
      result.push_back(std::move(*x));
    });
    return result;
  }
  template <class Integer>
  std::vector<Integer> integers(Value v, const Place& place) const {
    require_length(v, place, n_states_);
    std::vector<Integer> result;
    document_.each(v, place, [&](std::int64_t i, Value entry) {
      const std::int64_t x = document_.integer(entry, place[i]);
      if (!std::in_range<Integer>(x)) document_.fail(entry, place[i], "is out of range");
      result.push_back(static_cast<Integer>(x));
    });
    return result;
  }
  // One vector, or `n` of them for `finite`.
  template <class Read>
  auto stages(Value v, const Place& place, std::int64_t n, Read&& read) const {
    std::vector<decltype(read(v, place))> result;
    if (c_.criterion != "finite") {
      result.push_back(read(v, place));
      return result;
    }
    require_length(v, place, n);
    document_.each(v, place, [&](std::int64_t i, Value entry) { result.push_back(read(entry, place[i])); });
    return result;
  }
  std::vector<Values> claim(const std::string& key) const {
    const Place place = root_[key];
    return stages(required(key), place, c_.horizon + 1,
                  [&](Value v, const Place& where) { return in_sense(c_.objective, values(v, where)); });
  }

  // The vectors after it are as long as its chain.
  void read_evaluated_policy() {
    const Value v = document_.find(document_.root(), "evaluated_policy");
    if (v == 0) return;
    const Place place = root_["evaluated_policy"];
    require_length(v, place, static_cast<std::int64_t>(model_.rows.size()));
    document_.each(v, place, [&](std::int64_t i, Value entry) {
      c_.evaluated_policy.push_back(document_.rational(entry, place[i]));
    });
    n_states_ = policy_chain(model_, c_.evaluated_policy, c_.criterion == "total").n_states;
  }

  void read_claim(bool turned) {
    const std::string stem = stem_of(c_);
    if (document_.find(document_.root(), stem) != 0) {
      c_.lower = claim(stem);
      c_.upper = c_.lower;
    } else {
      c_.lower = claim(stem + (turned ? "_upper" : "_lower"));
      c_.upper = claim(stem + (turned ? "_lower" : "_upper"));
    }
    const Place place = root_["policy"];
    c_.policy = stages(required("policy"), place, c_.horizon,
                       [&](Value v, const Place& where) { return integers<Action>(v, where); });
  }

  void read_evidence() {
    const Value evidence = required("evidence");
    const Place place = root_["evidence"];
    if (!document_.is(evidence, Kind::object)) document_.fail(evidence, place, "must be an object");
    const auto bound = [&](const char* key, std::vector<Values>& into) {
      const Value v = document_.find(evidence, key);
      if (v == 0) return;
      const Place where = place[std::string_view(key)];
      into = stages(v, where, c_.horizon + 1, [&](Value x, const Place& at) { return values(x, at); });
    };
    bound("lower", c_.evidence_lower);
    bound("upper", c_.evidence_upper);
    each_rank(c_, [&](const char* key, auto& rank) {
      if (const Value v = document_.find(evidence, key); v != 0) {
        rank = integers<std::int64_t>(v, place[std::string_view(key)]);
      }
    });
    if (const Value v = document_.find(evidence, "proper_policy"); v != 0) {
      c_.proper_policy = integers<Action>(v, place[std::string_view("proper_policy")]);
    }
    each_evidence_vector(c_, [&](const char* key, Values& x) {
      if (const Value v = document_.find(evidence, key); v != 0) x = values(v, place[std::string_view(key)]);
    });
  }

  const JsonDocument& document_;
  const io::ExactModel& model_;
  std::int64_t n_states_;
  Place root_{};
  Certificate c_;
};

}  // namespace

void write_certificate(const std::string& path, const Certificate& certificate) {
  io::write_file(path, Writer(certificate).text());
}

Certificate read_certificate(const std::string& path, const io::ExactModel& model) {
  const io::FileBytes file(path);
  const JsonDocument document(path, io::as_text(file.bytes()));
  return Reader(document, model).read();
}

}  // namespace mdp::certificate
