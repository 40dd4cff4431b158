#pragma once
// Text for people: how wide it is, how long ago, in which colour.
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace reeld::reel {

// Where text goes.
struct Look {
    bool terminal = false;
    bool colour = false;
    int width = 80;
    int height = 24;
    Instant now{};
};

// Without control characters: what a job's fields hold must not steer the terminal or break a row.
std::string clean(std::string_view text);
// Columns on a terminal, taking each code point for one.
std::size_t columns(std::string_view text);
// At most `limit` columns, with "…" for what was cut.
std::string shorten(std::string_view text, std::size_t limit);
std::string pad(std::string_view text, std::size_t width, bool right = false);

// "12s ago", "in 5m", "3d ago"; "now" for what lies within a second.
std::string relative(Instant at, Instant now);
// The same without direction: "12s".
std::string span(Millis duration);

enum class Colour { none, dim, red, green, yellow, blue, cyan };
std::string paint(std::string_view text, Colour colour, const Look& look);

struct Cell {
    std::string text;
    Colour colour = Colour::none;
    bool right = false;
};
struct Table {
    std::vector<std::string> head;
    std::vector<std::vector<Cell>> rows;
    std::size_t flexible = 0;  // the column that gives way on a narrow terminal
};
// Aligned columns, without those that are empty in every row; a row never gets wider than the
// terminal, as far as the flexible column can give way.
std::string draw(const Table& table, const Look& look);

// One row of tab-separated text.
std::string tabbed(const std::vector<std::string>& cells);

}  // namespace reeld::reel
