#include "reel/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace reeld::reel {
namespace {

bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

std::string_view code_of(Colour colour) {
    switch (colour) {
        case Colour::none: return "";
        case Colour::dim: return "2";
        case Colour::red: return "31";
        case Colour::green: return "32";
        case Colour::yellow: return "33";
        case Colour::blue: return "34";
        case Colour::cyan: return "36";
    }
    return "";
}

bool is_empty(const Table& table, std::size_t column) {
    return !table.rows.empty() &&
           std::all_of(table.rows.begin(), table.rows.end(), [column](const auto& row) {
               return column >= row.size() || row[column].text.empty();
           });
}

Table without_empty_columns(Table table) {
    for (std::size_t i = table.head.size(); i-- > 0;) {
        if (!is_empty(table, i)) continue;
        const auto at = static_cast<std::ptrdiff_t>(i);
        table.head.erase(table.head.begin() + at);
        for (auto& row : table.rows) {
            if (i < row.size()) row.erase(row.begin() + at);
        }
        if (i < table.flexible) --table.flexible;
    }
    return table;
}

std::vector<std::size_t> widths_of(const Table& table) {
    std::vector<std::size_t> widths;
    for (const auto& name : table.head) widths.push_back(columns(name));
    for (const auto& row : table.rows) {
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], columns(row[i].text));
        }
    }
    return widths;
}

// Takes from the flexible column what the terminal does not have.
void fit(std::vector<std::size_t>& widths, std::size_t flexible, int width) {
    constexpr std::size_t gap = 2;
    constexpr std::size_t least = 6;
    if (flexible >= widths.size() || width <= 0) return;
    std::size_t total = gap * (widths.size() - 1);
    for (const std::size_t one : widths) total += one;
    const auto room = static_cast<std::size_t>(width);
    if (total <= room) return;
    const std::size_t excess = total - room;
    std::size_t& target = widths[flexible];
    if (target > least) target = target > excess + least ? target - excess : least;
}

std::string draw_row(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                     const Look& look) {
    std::string line;
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
        const bool last = i + 1 == row.size();
        std::string text = shorten(row[i].text, widths[i]);
        if (!last || row[i].right) text = pad(text, widths[i], row[i].right);
        line += paint(text, row[i].colour, look);
        if (!last) line += "  ";
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line + "\n";
}

}  // namespace

std::string clean(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // U+0080 to U+009F are control characters of eight-bit terminals.
        const bool c1 = byte == 0xC2U && i + 1 < text.size() &&
                        static_cast<unsigned char>(text[i + 1]) < 0xA0U;
        if (c1) ++i;
        out.push_back(c1 || byte < 0x20U || byte == 0x7FU ? ' ' : text[i]);
    }
    return out;
}

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

std::string shorten(std::string_view text, std::size_t limit) {
    if (columns(text) <= limit) return std::string(text);
    if (limit == 0) return {};
    std::size_t seen = 0;
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
        if (starts_code_point(text[end]) && ++seen == limit) break;
    }
    return std::string(text.substr(0, end)) + "…";
}

std::string pad(std::string_view text, std::size_t width, bool right) {
    const std::size_t have = columns(text);
    const std::string space(width > have ? width - have : 0, ' ');
    return right ? space + std::string(text) : std::string(text) + space;
}

std::string span(Millis duration) {
    const auto seconds = duration.count() / 1000;
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (seconds < 3600) return fmt::format("{}m", seconds / 60);
    if (seconds < 48 * 3600) return fmt::format("{}h", seconds / 3600);
    return fmt::format("{}d", seconds / 86400);
}

std::string relative(Instant at, Instant now) {
    const Millis difference = now - at;
    if (difference < Millis{1000} && difference > Millis{-1000}) return "now";
    return difference.count() > 0 ? span(difference) + " ago" : "in " + span(-difference);
}

std::string paint(std::string_view text, Colour colour, const Look& look) {
    if (!look.colour || colour == Colour::none || text.empty()) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", code_of(colour), text);
}

std::string draw(const Table& all, const Look& look) {
    const Table table = without_empty_columns(all);
    auto widths = widths_of(table);
    fit(widths, table.flexible, look.width);
    std::vector<Cell> head;
    for (const auto& name : table.head) head.push_back(Cell{name, Colour::dim, false});
    for (std::size_t i = 0; i < head.size() && !table.rows.empty(); ++i) {
        if (i < table.rows.front().size()) head[i].right = table.rows.front()[i].right;
    }
    std::string text = draw_row(head, widths, look);
    for (const auto& row : table.rows) text += draw_row(row, widths, look);
    return text;
}

std::string tabbed(const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) line.push_back('\t');
        line += clean(cells[i]);
    }
    return line + "\n";
}

}  // namespace reeld::reel
