#include "reel/render_money.hpp"

#include <fmt/format.h>

#include "reel/render_job.hpp"

namespace reeld::reel {
namespace {

double usd(const json::object& sum, std::string_view key) {
    return find_number(sum, key).value_or(0);
}

std::int64_t count(const json::object& sum, std::string_view key) {
    return find_int(sum, key).value_or(0);
}

std::string submits(std::int64_t number) {
    return fmt::format("{} {}", number, number == 1 ? "submit" : "submits");
}

std::vector<std::string> plain_cells(const json::object& sum) {
    std::vector<std::string> cells;
    for (const auto* key : {"spent_usd", "by_estimate_usd", "reserved_usd", "possibly_billed_usd"}) {
        cells.push_back(fmt::format("{}", usd(sum, key)));
    }
    for (const auto* key : {"submits", "unpriced_submits"}) {
        cells.push_back(fmt::format("{}", count(sum, key)));
    }
    return cells;
}

std::string plain_row(const std::string& name, const json::object& sum) {
    std::vector<std::string> cells = plain_cells(sum);
    cells.insert(cells.begin(), name);
    return tabbed(cells);
}

// Empty for nothing, so that a column of nothings goes.
Cell amount(double value) {
    return Cell{value > 0 ? usd_text(value) : std::string(), Colour::none, true};
}

Cell number(std::int64_t value) {
    return Cell{value > 0 ? fmt::format("{}", value) : std::string(), Colour::none, true};
}

struct Section {
    const char* list;   // of the status' money
    const char* name;   // of each of its members
    const char* plain;  // the first cell in a pipe
};

void add_section(std::string& text, const json::object& money, const Section& section,
                 const Look& look) {
    const auto* list = find_array(money, section.list);
    if (list == nullptr || list->empty()) return;
    Table table;
    table.head = {section.list == std::string_view("models") ? "TODAY BY MODEL" : "TODAY BY BATCH",
                  "SPENT", "RESERVED", "MAYBE", "SUBMITS", "NO PRICE", "IN ALL"};
    for (const auto& one : *list) {
        const auto* row = one.if_object();
        const auto* today = row == nullptr ? nullptr : find_object(*row, "today");
        if (today == nullptr) continue;
        const std::string name = member(*row, section.name);
        if (!look.terminal) {
            text += plain_row(fmt::format("money.{}.{}", section.plain, name), *today);
            continue;
        }
        const auto* in_all = find_object(*row, "in_all");
        table.rows.push_back(
            {Cell{name}, Cell{usd_text(usd(*today, "spent_usd")), Colour::none, true},
             amount(usd(*today, "reserved_usd")), amount(usd(*today, "possibly_billed_usd")),
             number(count(*today, "submits")), number(count(*today, "unpriced_submits")),
             amount(in_all == nullptr ? 0 : usd(*in_all, "spent_usd"))});
    }
    if (look.terminal) text += "\n" + draw(table, look);
}

}  // namespace

std::string usd_text(double usd) {
    std::string text = fmt::format("{:.6f}", usd);
    while (text.ends_with('0') && text.size() - text.find('.') > 3) text.pop_back();
    return "$" + text;
}

std::string money_words(const json::object& sum) {
    std::string text = fmt::format("spent {} in {}", usd_text(usd(sum, "spent_usd")),
                                   submits(count(sum, "submits")));
    const double guessed = usd(sum, "by_estimate_usd");
    if (guessed > 0) text += fmt::format(" ({} of it by estimate)", usd_text(guessed));
    const double reserved = usd(sum, "reserved_usd");
    if (reserved > 0) text += fmt::format(", reserved {}", usd_text(reserved));
    const double possible = usd(sum, "possibly_billed_usd");
    if (possible > 0) text += fmt::format("; possibly billed {} on top", usd_text(possible));
    const auto unpriced = count(sum, "unpriced_submits");
    if (unpriced > 0) text += fmt::format("; {} without a known price", submits(unpriced));
    return text;
}

std::string batch_total(std::string_view batch, const json::object& answer) {
    const auto* money = find_object(answer, "money");
    return money == nullptr ? std::string()
                            : fmt::format("{}: {}\n", clean(batch), money_words(*money));
}

std::string render_money(const json::object& status, const Look& look) {
    const auto* money = find_object(status, "money");
    const auto* today = money == nullptr ? nullptr : find_object(*money, "today");
    if (today == nullptr) return {};
    std::string text;
    const double reserved = usd(*money, "reserved_usd");
    const double possible = usd(*money, "possibly_billed_usd");
    if (look.terminal) {
        const auto line = [&](std::string_view name, const std::string& value) {
            text += fmt::format("{}  {}\n", paint(pad(name, 10), Colour::dim, look), value);
        };
        line("money", fmt::format("today, {}: {}", member(*money, "day"), money_words(*today)));
        line("", fmt::format("in all: reserved {}, possibly billed {}", usd_text(reserved),
                             usd_text(possible)));
    } else {
        text += plain_row("money.today", *today);
        text += tabbed({"money.reserved", fmt::format("{}", reserved)});
        text += tabbed({"money.possibly_billed", fmt::format("{}", possible)});
    }
    add_section(text, *money, {"models", "model", "model"}, look);
    add_section(text, *money, {"batches", "batch", "batch"}, look);
    const auto left_out = count(*money, "batches_left_out");
    if (look.terminal && left_out > 0) text += fmt::format("and {} more batches\n", left_out);
    return text;
}

}  // namespace reeld::reel
