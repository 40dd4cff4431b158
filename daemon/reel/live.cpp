#include "reel/live.hpp"

#include <fmt/format.h>

namespace reeld::reel {
namespace {

constexpr std::string_view hide_cursor = "\x1b[?25l";
constexpr std::string_view show_cursor = "\x1b[?25h";
constexpr std::string_view clear_line = "\x1b[2K";
constexpr std::string_view clear_below = "\x1b[J";

}  // namespace

Live::Live(std::function<void(std::string_view)> out) : out_(std::move(out)) { out_(hide_cursor); }

Live::~Live() { out_(show_cursor); }

// In one piece and line over line: a table that was wiped first would flicker.
void Live::draw(const std::vector<std::string>& lines) {
    std::string text;
    if (drawn_ > 0) text += fmt::format("\x1b[{}F", drawn_);
    for (const auto& line : lines) text += fmt::format("{}{}\n", clear_line, line);
    text += clear_below;
    drawn_ = lines.size();
    out_(text);
}

void Live::clear() {
    if (drawn_ > 0) out_(fmt::format("\x1b[{}F{}", drawn_, clear_below));
    drawn_ = 0;
}

bool can_redraw(const Look& look) { return look.terminal && look.width >= 60 && look.height >= 8; }

}  // namespace reeld::reel
