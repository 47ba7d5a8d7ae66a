// Methods that take over from one another: whose turn it is, for how long, and that it bounds what a wrong guess costs.
#include "solvers/relay.hpp"

#include <cmath>
#include <memory>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/generate/pendulum.hpp"
#include "solvers/solve.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

// Is done once it has worked for `needs`, bounds shrinking by e-folds that are proportional to work; gives up at the end of its turn,
// or once it has worked for `most`. The half-width is that of the residual range.
class Worker : public Improver {
 public:
  Worker(char name, double needs, double e_folds, std::string& log, double most = infinity)
      : name_(1, name), needs_(needs), e_folds_(e_folds), most_(most), log_(log) {}
  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run&, const Goal& goal) override {
    double done = 0.0;
    while (work_ < needs_ && work_ < most_ && !turn_over(mdp, it, goal)) {
      work_ += 1.0;
      done += 1.0;
      it.residual.max *= std::exp(-e_folds_);
    }
    log_ += name_ + std::to_string(std::lround(done)) + " ";
    return work_ < needs_ ? Outcome::stalled : Outcome::accurate;
  }
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] bool gave_up() const override { return true; }
  [[nodiscard]] double work() const override { return work_; }

 private:
  std::string name_;
  double needs_, e_folds_, most_;
  std::string& log_;
  double work_ = 0.0;
};

struct Task {
  double needs;
  double e_folds = 0.0;
  double most = infinity;
};

// Who worked for how long; the first gives up at 10 the first time.
std::string turns(const std::vector<Task>& tasks) {
  MdpBuilder b(1);
  b.row(0, 1.0).to(0, 1.0);
  const Mdp mdp = b.discount(0.5).build();
  std::string log;
  std::vector<std::unique_ptr<Improver>> methods;
  for (const Task& task : tasks) {
    const char name = static_cast<char>('a' + static_cast<int>(methods.size()));
    methods.push_back(std::make_unique<Worker>(name, task.needs, task.e_folds, log, task.most));
  }
  methods.front()->begin_turn(10.0, {});
  Relay relay(std::move(methods));
  Iterate it;
  it.v = {0.0};
  it.residual = {.min = 0.0, .max = 1.0};
  Run run{SolveOptions{}};
  REQUIRE(relay.improve(mdp, it, run, Goal(Accuracy{}, false)) == Outcome::accurate);
  return log + "-> " + relay.name();
}

}  // namespace

TEST_CASE("Relay: turns grow; after each that brings nothing the first has another try") {
  CHECK(turns({{5}, {1}}) == "a5 -> a");
  CHECK(turns({{100}, {20}}) == "a11 b20 -> b");
  CHECK(turns({{40}, {1e9}}) == "a11 b23 a29 -> a");         // it was nearly there
  CHECK(turns({{1e9}, {90}}) == "a11 b23 a35 b67 -> b");     // it was not
  CHECK(turns({{1e9, 1e-3}, {90, 0.2}}) == "a11 b90 -> b");  // bounds shrink faster than they did for the first
  CHECK(turns({{40, 1e-1}, {1e9, 1e-3}}) == "a11 b23 a29 -> a");
}

TEST_CASE("Relay: what gives up before its time is out is not asked again") {
  CHECK(turns({{40}, {1e9, 0.0, 7.0}, {1e9}}) == "a11 b7 c37 a29 -> a");
  CHECK(turns({{1e9}, {1e9, 0.0, 60.0}, {20}}) == "a11 b23 a35 b37 c20 -> c");
}

TEST_CASE("Relay: the first goes on from its own V if that was better") {
  MdpBuilder b(1);
  b.row(0, 1.0).to(0, 1.0);
  const Mdp mdp = b.discount(0.5).build();
  std::string log;
  std::vector<std::unique_ptr<Improver>> methods;
  methods.push_back(std::make_unique<Worker>('a', 20.0, 0.0, log));
  methods.push_back(std::make_unique<Worker>('b', 1e9, -0.5, log));  // makes things worse
  methods.front()->begin_turn(10.0, {});
  Relay relay(std::move(methods));
  Iterate it;
  it.v = {3.0};
  it.size = 3.0;
  it.residual = {.min = 0.0, .max = 1.0};
  Run run{SolveOptions{}};
  REQUIRE(relay.improve(mdp, it, run, Goal(Accuracy{}, false)) == Outcome::accurate);
  CHECK(log == "a11 b23 a9 ");
  CHECK(it.v == std::vector<double>{3.0});
}

TEST_CASE("Relay: whichever method is best, the whole takes a few times its work") {
  for (double best = 20.0; best < 1e5; best *= 1.37) {
    for (const bool first : {false, true}) {
      const std::string log = turns({{first ? best : 1e12}, {first ? 1e12 : best}});
      CAPTURE(best, first, log);
      double work = 0.0;
      std::istringstream words(log.substr(0, log.find("->")));
      for (std::string word; words >> word;) work += std::stod(word.substr(1));
      CHECK(work <= 6.0 * best + 10.0);
    }
  }
}

TEST_CASE("A pendulum whose first rates promise nothing is left to the sweeps that solve it") {
  generate::PendulumOptions options;
  options.angles = options.velocities = 101;
  options.discount = 0.9999;
  const Mdp m = generate::pendulum(options);
  const auto bytes_read = [&](Method method) {
    double bytes = 0.0;
    SolveOptions solve_options;
    solve_options.tolerance = 1e-6;
    solve_options.method = method;
    solve_options.observer = [&](const SweepRecord& record) {
      bytes = record.bytes;
      return true;
    };
    REQUIRE(solve(m, solve_options).converged());
    return bytes;
  };
  const double automatic = bytes_read(Method::automatic), swept = bytes_read(Method::modified_policy_iteration);
  CAPTURE(automatic, swept);
  CHECK(automatic <= 2.5 * swept);  // 4.7 before there were turns
}
