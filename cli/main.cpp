#include "cli/console.hpp"
#include "cli/program.hpp"

int main(int argc, char** argv) {
  mdp::cli::ignore_broken_pipes();
  return mdp::cli::run_program(argc, argv);
}
