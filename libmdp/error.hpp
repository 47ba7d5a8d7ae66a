// libmdp/error.hpp — misuse and bad input throw; how an algorithm ended is a Status.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace mdp {

/// Base of everything the library throws on purpose. what() is one clear message for people.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An options struct holds a value outside its range; the message names field, value and rule.
class InvalidOption : public Error {
 public:
  using Error::Error;
};

/// Arguments that do not fit together (a length, a policy that names no action, two models of different shape).
class InvalidArgument : public Error {
 public:
  using Error::Error;
};

/// Data that are not an MDP. problems() lists the first of them, one line each, with state and action named.
class InvalidModel : public Error {
 public:
  explicit InvalidModel(std::vector<std::string> problems, std::int64_t n_problems);

  [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }
  /// How many problems there are in all, listed or not.
  [[nodiscard]] std::int64_t n_problems() const noexcept { return n_problems_; }

 private:
  std::vector<std::string> problems_;
  std::int64_t n_problems_;
};

/// A file that cannot be read or that breaks a rule of its format. The message is
/// "FILE: PLACE: what is wrong"; place is a line ("line 12"), an entry ("choices[3].cost") or empty.
class InputError : public Error {
 public:
  InputError(const std::string& file, const std::string& place, const std::string& what);

  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] const std::string& place() const noexcept { return place_; }

 private:
  std::string file_;
  std::string place_;
};

/// A file cannot be written (the old one, if any, is untouched).
class OutputError : public Error {
 public:
  using Error::Error;
};

}  // namespace mdp
