// cli/commands/commands.hpp — one function per command of the program.
//
// Each adds its options to the parser and says what to run. A command reads its files, calls one free
// function of the library, and hands the result to cli::present().
#pragma once

#include <deque>

#include "cli/program.hpp"

namespace mdp::cli {

void add_info(Command& command);
void add_solve(Command& command);
void add_evaluate(Command& command);
void add_certify(Command& command);
void add_convert(Command& command);
void add_equivalent_cost(Command& command);
void add_equivalent_model(Command& command);
void add_check(Command& command);
void add_reference(Command& command);
void add_verify_certificate(Command& command);
void add_fit(Command& command);
void add_bisimulation(Command& command);
void add_gradient(Command& command);
void add_sensitivity(Command& command);
void add_tune(Command& command);
void add_estimate(Command& command);
void add_study(Command& command);
/// Adds one nested command per kind to `kinds`.
void add_generate(Command& command, std::deque<Command>& kinds);

}  // namespace mdp::cli
