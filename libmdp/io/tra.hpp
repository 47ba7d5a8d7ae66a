// libmdp/io/tra.hpp — PRISM's explicit files and Storm's dialect of them. Internal.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libmdp/io/explicit_text.hpp"
#include "libmdp/io/file_bytes.hpp"

namespace mdp::io {

/// A parsed model with the files that its numbers point into.
struct ExplicitFiles {
  std::vector<std::unique_ptr<FileBytes>> bytes;
  ExplicitText model;
};

/// Reads the transitions alone: states, rows, numbers, actions; sources has this text. Storm's dialect is told by its first
/// line, "mdp" or "dtmc". \throws InputError.
[[nodiscard]] ExplicitText parse_tra(std::string_view text, const std::string& file);

/// Add what a file beside it says. \throws InputError.
void parse_lab(std::string_view text, const std::string& file, ExplicitText& model);
void parse_srew(std::string_view text, const std::string& file, const ReadOptions& options, ExplicitText& model);
void parse_trew(std::string_view text, const std::string& file, const ReadOptions& options, ExplicitText& model);
void parse_sta(std::string_view text, const std::string& file, ExplicitText& model);

/// Reads x.tra with x.lab, x.srew, x.trew and x.sta where they are there. \throws InputError.
[[nodiscard]] ExplicitFiles read_tra(const std::string& path, const ReadOptions& options);

/// x.tra, x.lab, x.trew (if some cost is not 0) and x.sta (if states have names): each is put in place once all are
/// written. \throws OutputError.
void write_tra(const std::string& path, const Mdp& mdp);

}  // namespace mdp::io
