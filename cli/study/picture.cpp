#include <algorithm>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "cli/study/embedding.hpp"
#include "cli/study/report.hpp"
#include "libmdp/policy.hpp"

namespace mdp::cli::study {
namespace {

constexpr int cell_size = 44;
constexpr int gap = 36;
constexpr int head = 56;

/// From pale yellow (0) to dark blue-green (1), by way of green: readable in grey, too.
std::string colour(double share) {
  struct Stop {
    double r, g, b;
  };
  constexpr Stop stops[] = {{255, 255, 217}, {199, 233, 180}, {127, 205, 187}, {65, 182, 196}, {29, 145, 192}};
  constexpr int last = 4;
  const double x = std::clamp(share, 0.0, 1.0) * last;
  const int i = std::min(static_cast<int>(x), last - 1);
  const double t = x - i;
  const auto mix = [t](double a, double b) { return static_cast<int>(std::lround(a + t * (b - a))); };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(stops[i].r, stops[i + 1].r), mix(stops[i].g, stops[i + 1].g),
                     mix(stops[i].b, stops[i + 1].b));
}

/// Arrow in the middle of a cell; actions are left, down, right, up.
std::string arrow(double x, double y, Action action, bool different) {
  constexpr int degrees[] = {180, 90, 0, 270};
  return fmt::format(
      "<path d=\"M-9 0H7M2 -5L8 0L2 5\" transform=\"translate({:.0f} {:.0f}) rotate({})\" fill=\"none\" stroke=\"{}\" "
      "stroke-width=\"{}\"/>\n",
      x, y, degrees[action], different ? "#c0143c" : "#222222", different ? 3 : 2);
}

struct Panel {
  std::string title;
  std::vector<double> values;  ///< in the world's sense
  const Policy* policy;
};

class PictureOfGrid {
 public:
  PictureOfGrid(const Grid& grid, double low, double high) : grid_(grid), low_(low), high_(high) {}

  std::string draw(const Panel& panel, const Policy& reference, int left) const {
    std::string out =
        fmt::format("<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>\n", left, head - 14, panel.title);
    for (std::int64_t cell = 0; cell < grid_.width * grid_.height; ++cell) {
      if (letter(cell) == '#') out += box(cell, left, "#888888");
    }
    for (std::size_t s = 0; s < grid_.cell_of_state.size(); ++s) out += state(panel, reference, s, left);
    return out;
  }

 private:
  [[nodiscard]] char letter(std::int64_t cell) const {
    return grid_.map[static_cast<std::size_t>(cell / grid_.width)][static_cast<std::size_t>(cell % grid_.width)];
  }
  [[nodiscard]] int x_of(std::int64_t cell, int left) const {
    return left + static_cast<int>(cell % grid_.width) * cell_size;
  }
  [[nodiscard]] int y_of(std::int64_t cell) const { return head + static_cast<int>(cell / grid_.width) * cell_size; }

  [[nodiscard]] std::string box(std::int64_t cell, int left, const std::string& fill) const {
    return fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" stroke=\"#ffffff\"/>\n",
                       x_of(cell, left), y_of(cell), cell_size, cell_size, fill);
  }

  [[nodiscard]] std::string state(const Panel& panel, const Policy& reference, std::size_t s, int left) const {
    const std::int64_t cell = grid_.cell_of_state[s];
    const double middle_x = x_of(cell, left) + cell_size / 2.0;
    const double middle_y = y_of(cell) + cell_size / 2.0;
    const char kind = letter(cell);
    if (kind == 'H') {
      return box(cell, left, "#444444") +
             fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"middle\" fill=\"#bbbbbb\">hole</text>\n",
                         middle_x, middle_y + 4);
    }
    if (kind == 'G') {
      return box(cell, left, "#f4a300") +
             fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"middle\">goal</text>\n", middle_x,
                         middle_y + 4);
    }
    const double value = panel.values[s];
    const double share = high_ > low_ ? (value - low_) / (high_ - low_) : 0.0;
    return box(cell, left, colour(share)) +
           arrow(middle_x, middle_y - 6, (*panel.policy)[s], (*panel.policy)[s] != reference[s]) +
           fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"middle\" font-size=\"10\">{:.3f}</text>\n",
                       middle_x, middle_y + 17, value);
  }

  const Grid& grid_;
  double low_, high_;
};

}  // namespace

bool has_picture(const StudyConfig& config) {
  return config.world.kind == "gridworld" && grid_of(config.world.gridworld).cell_of_state.size() <= 1024;
}

std::string policy_picture(const StudyConfig& config, const Experiment& experiment) {
  const Grid grid = grid_of(config.world.gridworld);
  const Objective sense = experiment.world.objective();
  const ModelStudy& model = experiment.models.front();
  const Panel panels[] = {
      {"World: V* and its policy", in_sense(sense, experiment.solved.values), &experiment.solved.policy},
      {fmt::format("World: value of the policy of '{}'", model.config.name),
       in_sense(sense, model.as_fitted.policy_value), &model.as_fitted.model.policy},
      {fmt::format("'{}' with the equivalent cost", model.config.name), in_sense(sense, model.with_cost.policy_value),
       &model.with_cost.model.policy}};
  const auto [low, high] = std::ranges::minmax(panels[0].values);
  const int panel_width = static_cast<int>(grid.width) * cell_size;
  const int width = 3 * panel_width + 4 * gap;
  const int height = head + static_cast<int>(grid.height) * cell_size + gap;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n"
      "<title>{2}</title>\n",
      width, height, config.title);
  const PictureOfGrid picture(grid, low, high);
  for (int i = 0; i < 3; ++i) svg += picture.draw(panels[i], experiment.solved.policy, gap + i * (panel_width + gap));
  svg += fmt::format(
      "<text x=\"{}\" y=\"{}\" font-size=\"11\" fill=\"#c0143c\">red: differs from the world's policy</text>\n", gap,
      height - 12);
  return svg + "</svg>\n";
}

}  // namespace mdp::cli::study
