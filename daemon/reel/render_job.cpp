#include "reel/render_job.hpp"

#include "reel/render_money.hpp"
#include "reel/render_undecided.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <boost/json/serialize.hpp>

namespace reeld::reel {
namespace {

struct Sign {
    std::string_view state;
    std::string_view symbol;
    Colour colour;
};
constexpr std::array<Sign, 12> signs{{{"held", "‖", Colour::yellow},
                                      {"blocked", "⊘", Colour::yellow},
                                      {"scheduled", "◷", Colour::dim},
                                      {"queued", "·", Colour::none},
                                      {"submitting", "↑", Colour::cyan},
                                      {"submit_unknown", "?", Colour::yellow},
                                      {"submitted", "○", Colour::cyan},
                                      {"running", "▶", Colour::blue},
                                      {"fetching", "↓", Colour::blue},
                                      {"completed", "✓", Colour::green},
                                      {"failed", "✗", Colour::red},
                                      {"cancelled", "–", Colour::dim}}};

const Sign* sign_of(std::string_view state) {
    const auto at = std::find_if(signs.begin(), signs.end(),
                                 [&](const Sign& sign) { return sign.state == state; });
    return at == signs.end() ? nullptr : &*at;
}

std::string number(const json::object& job, std::string_view key) {
    const auto* value = find(job, key);
    if (value == nullptr || value->is_null()) return {};
    const auto as_number = find_number(job, key);
    return as_number ? fmt::format("{}", *as_number) : std::string();
}

std::string cost_of(const json::object& job) {
    const auto cost = find_number(job, "cost_usd");
    if (!cost) return {};
    const bool guessed = find_number(job, "cost_by_estimate_usd").value_or(0) > 0;
    return fmt::format("{}${:.2f}", guessed ? "~" : "", *cost);
}

bool is_money(std::string_view name) { return name.ends_with("_usd"); }

// What a person need not read of a job: nothing set aside, nothing unclear.
bool says_nothing(std::string_view name, const json::value& value) {
    if (name == "estimate_is_sure") return true;
    const bool sum = name == "cost_by_estimate_usd" || name == "reserved_usd" ||
                     name == "possibly_billed_usd" || name == "unpriced_submits";
    return sum && value.is_number() && value.to_number<double>() == 0;
}

std::string money_line(const json::object& job, std::string_view name, double value) {
    const bool guess = name == "estimated_cost_usd" &&
                       !find_bool(job, "estimate_is_sure").value_or(true);
    return (guess ? "~" : "") + usd_text(value);
}

// A member as a person reads it: text as it is, all else as JSON.
std::string shown(const json::value& value) {
    if (value.is_null()) return {};
    if (value.is_string()) return clean(std::string_view(value.get_string()));
    if (const auto* plain = value.if_double()) return fmt::format("{}", *plain);
    return clean(json::serialize(value));
}

std::vector<std::string> paths_of(const json::object& job) {
    std::vector<std::string> paths;
    const auto* outputs = find_array(job, "outputs");
    if (outputs == nullptr) return paths;
    for (const auto& one : *outputs) {
        const auto* output = one.if_object();
        const std::string path = output == nullptr ? std::string() : member(*output, "path");
        if (!path.empty()) paths.push_back(path);
    }
    return paths;
}

std::string age_of(const json::object& job, const Look& look) {
    const auto at = parse_rfc3339(member(job, "created_at"));
    return at ? relative(*at, look.now) : std::string();
}

// Why it is where it is: the error's code says more than the reason once a job has failed.
std::string why(const json::object& job) {
    const std::string reason = member(job, "reason");
    if (!reason.empty()) return reason;
    const auto* error = find_object(job, "error");
    return error == nullptr ? std::string() : member(*error, "code");
}

// "3.5 MiB", or "2 files, 7.1 MiB".
std::string files_of(const json::object& job) {
    const auto* outputs = find_array(job, "outputs");
    if (outputs == nullptr || outputs->empty()) return {};
    std::uint64_t bytes = 0;
    for (const auto& one : *outputs) {
        const auto* output = one.if_object();
        const auto size = output == nullptr ? std::nullopt : find_int(*output, "bytes");
        if (!size) return {};
        bytes += static_cast<std::uint64_t>(*size);
    }
    return (outputs->size() > 1 ? fmt::format("{} files, ", outputs->size()) : std::string()) +
           format_size(bytes);
}

// "custom_voice_id moss-audio-7", of a result without files.
std::string values_of(const json::object& job) {
    const auto* values = find_object(job, "values");
    std::string text;
    if (values == nullptr) return text;
    for (const auto& one : *values) {
        if (!text.empty()) text += ", ";
        text += fmt::format("{} {}", clean(std::string_view(one.key())), shown(one.value()));
    }
    return shorten(text, 60);
}

// What a person who waits wants to know next.
std::string detail_of(const json::object& job, const Look& look) {
    const std::string state = member(job, "state");
    const std::string reason = why(job);
    if (state == "completed") {
        const std::string files = files_of(job);
        return files.empty() ? values_of(job) : files;
    }
    if (state == "submitted" || state == "running") {
        std::string progress = render_progress(job);
        const std::string log = shorten(member(job, newest_log), 60);
        if (!log.empty()) return progress.empty() ? log : progress + "  " + log;
        if (!progress.empty()) return progress;
        const auto at = parse_rfc3339(member(job, "submitted_at"));
        if (reason.empty() && at) return "for " + span(std::max(Millis{0}, look.now - *at));
    }
    if (reason == "not_before") {
        const auto at = parse_rfc3339(member(job, "not_before"));
        if (at) return "starts " + relative(*at, look.now);
    }
    return reason;
}

Table list_table(const std::vector<json::object>& jobs, const Look& look) {
    Table table;
    table.head = {"STATE", "ID", "MODEL", "BATCH", "AGE", "COST", "DETAIL"};
    table.flexible = 2;
    const auto ids = short_ids(jobs);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const std::string state = member(jobs[i], "state");
        table.rows.push_back({Cell{state_symbol(state) + " " + state, state_colour(state)},
                              Cell{ids[i]}, Cell{member(jobs[i], "model")},
                              Cell{member(jobs[i], "batch")},
                              Cell{age_of(jobs[i], look), Colour::dim, true},
                              Cell{cost_of(jobs[i]), Colour::none, true},
                              Cell{detail_of(jobs[i], look)}});
    }
    return table;
}

std::string time_line(std::string_view text, const Look& look) {
    const auto at = parse_rfc3339(text);
    return at && look.terminal ? fmt::format("{} ({})", text, relative(*at, look.now))
                               : std::string(text);
}

void add_line(std::string& text, std::string_view name, const std::string& value,
              const Look& look) {
    if (!look.terminal) {
        text += tabbed({std::string(name), value});
    } else if (!value.empty()) {
        text += fmt::format("{}  {}\n", paint(pad(name, 14), Colour::dim, look), value);
    }
}

void add_outputs(std::string& text, const json::object& job, const Look& look) {
    const auto* outputs = find_array(job, "outputs");
    if (outputs == nullptr) return;
    for (const auto& one : *outputs) {
        const auto* output = one.if_object();
        if (output == nullptr) continue;
        const auto bytes = find_int(*output, "bytes");
        std::string line = member(*output, "path");
        if (line.empty()) line = member(*output, "url");
        if (line.empty()) line = "came with the answer, not on disk yet";
        if (look.terminal && bytes) {
            line += fmt::format("  {}  {}", format_size(static_cast<std::uint64_t>(*bytes)),
                                member(*output, "content_type"));
        }
        add_line(text, "file", line, look);
    }
}

// "input.image_url  /srv/shot.png  image/png  https://…"
void add_inputs(std::string& text, const json::object& job, const Look& look) {
    const auto* files = find_array(job, "files");
    if (files == nullptr) return;
    for (const auto& one : *files) {
        const auto* file = one.if_object();
        if (file == nullptr) continue;
        const std::string url = member(*file, "url");
        add_line(text, "input file",
                 fmt::format("{}  {}  {}  {}", member(*file, "field"), member(*file, "path"),
                             member(*file, "content_type"),
                             url.empty() ? "not uploaded yet" : url),
                 look);
    }
}

// The day is told once when the whole trail is of one day.
std::string take_day(Table& table) {
    constexpr std::size_t day_size = 11;  // "2026-11-21T"
    if (table.rows.empty()) return {};
    const std::string day = table.rows.front().front().text.substr(0, day_size);
    for (const auto& row : table.rows) {
        if (day.size() < day_size || !row.front().text.starts_with(day)) return {};
    }
    for (auto& row : table.rows) row.front().text.erase(0, day_size);
    return day.substr(0, day_size - 1);
}

// The notes are what one reads a trail for: where a line has no room for them, they get their own.
std::string draw_trail(Table table, const Look& look) {
    constexpr std::size_t note = 4;
    const std::string day = take_day(table);
    if (!day.empty()) table.head.front() = day;
    Look unbound = look;
    unbound.width = 0;
    const std::string wide = draw(table, unbound);
    Look plain = unbound;
    plain.colour = false;
    const std::string lines = draw(table, plain);
    std::size_t longest = 0;
    for (std::size_t at = 0; at < lines.size();) {
        const auto end = lines.find('\n', at);
        longest = std::max(longest, columns(std::string_view(lines).substr(at, end - at)));
        at = end + 1;
    }
    if (longest <= static_cast<std::size_t>(std::max(look.width, 0))) return wide;
    std::vector<std::string> notes{""};
    for (auto& row : table.rows) notes.push_back(std::exchange(row[note].text, {}));
    const std::string narrow = draw(table, unbound);
    std::string text;
    std::size_t at = 0;
    for (const std::string& one : notes) {
        const auto end = narrow.find('\n', at) + 1;
        text += narrow.substr(at, end - at);
        if (!one.empty()) text += "    " + paint(one, Colour::dim, look) + "\n";
        at = end;
    }
    return text;
}

}  // namespace

std::string state_symbol(std::string_view state) {
    const Sign* sign = sign_of(state);
    return std::string(sign == nullptr ? " " : sign->symbol);
}

Colour state_colour(std::string_view state) {
    const Sign* sign = sign_of(state);
    return sign == nullptr ? Colour::none : sign->colour;
}

bool is_over(std::string_view state) {
    return state == "completed" || state == "failed" || state == "cancelled";
}

std::string member(const json::object& object, std::string_view key) {
    return clean(find_string(object, key).value_or(""));
}

std::vector<std::string> short_ids(const std::vector<json::object>& jobs) {
    constexpr std::size_t least = 8;
    std::vector<std::string> sorted;
    for (const auto& job : jobs) sorted.push_back(member(job, "id"));
    std::vector<std::string> ids = sorted;
    std::sort(sorted.begin(), sorted.end());
    const auto shared = [](const std::string& a, const std::string& b) {
        return static_cast<std::size_t>(
            std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
    };
    for (auto& id : ids) {
        const auto at = std::lower_bound(sorted.begin(), sorted.end(), id);
        std::size_t need = least;
        if (at != sorted.begin()) need = std::max(need, shared(id, *(at - 1)) + 1);
        if (at + 1 < sorted.end()) need = std::max(need, shared(id, *(at + 1)) + 1);
        // Cutting two or three characters off saves nothing and costs a copy and paste.
        if (need + 4 < id.size()) id.resize(need);
    }
    return ids;
}

std::string render_progress(const json::object& job) {
    constexpr int cells = 10;
    if (const auto progress = find_number(job, "progress")) {
        const double part = std::clamp(*progress, 0.0, 1.0);
        const auto full = static_cast<std::size_t>(part * cells + 0.5);
        return fmt::format("[{}{}] {:3.0f}%", std::string(full, '#'),
                           std::string(cells - full, '.'), part * 100);
    }
    const auto position = find_int(job, "queue_position");
    if (position && member(job, "state") == "submitted") {
        return *position == 0 ? std::string("next in line")
                              : fmt::format("{} ahead in line", *position);
    }
    return {};
}

std::string render_list(const std::vector<json::object>& jobs, const Look& look) {
    if (look.terminal) return draw(list_table(jobs, look), look);
    std::string text;
    for (const auto& job : jobs) {
        const auto paths = paths_of(job);
        text += tabbed({member(job, "id"), member(job, "state"), why(job), member(job, "model"),
                        member(job, "batch"), member(job, "created_at"), number(job, "progress"),
                        number(job, "cost_usd"), paths.empty() ? std::string() : paths.front()});
    }
    return text;
}

std::string render_job(const json::object& job, const Look& look) {
    std::string text;
    for (const auto& one : job) {
        const std::string_view name(one.key().data(), one.key().size());
        if (name == "unknown" || name == "also_billed") continue;
        if (name == "files") {
            add_inputs(text, job, look);
        } else if (name == "outputs") {
            add_outputs(text, job, look);
        } else if (name == "state") {
            const std::string state = member(job, "state");
            add_line(text, name,
                     look.terminal ? paint(state_symbol(state) + " " + state, state_colour(state),
                                           look)
                                   : state,
                     look);
        } else if (name == "error" && one.value().is_object()) {
            const auto& error = one.value().get_object();
            add_line(text, name, member(error, "code") + ": " + member(error, "message"), look);
        } else if (name.ends_with("_at") || name == "not_before" || name == "deadline") {
            add_line(text, name, time_line(shown(one.value()), look), look);
        } else if (look.terminal && (name == "labels" || name == "outputs" || name == "values") &&
                   one.value().is_object() && one.value().get_object().empty()) {
            continue;
        } else if (look.terminal && says_nothing(name, one.value())) {
            continue;
        } else if (look.terminal && is_money(name) && one.value().is_number()) {
            add_line(text, name, money_line(job, name, one.value().to_number<double>()), look);
        } else {
            add_line(text, name, shown(one.value()), look);
        }
    }
    for (const auto& [name, line] : undecided_lines(job, look)) add_line(text, name, line, look);
    return text;
}

std::string render_logs(const json::array& logs, const Look& look) {
    std::string text;
    for (const auto& one : logs) {
        const auto* log = one.if_object();
        if (log == nullptr) continue;
        const std::string at = member(*log, "at");
        const std::string level = member(*log, "level");
        const std::string message = member(*log, "message");
        if (!look.terminal) {
            text += tabbed({at, level, member(*log, "source"), message});
            continue;
        }
        const bool loud = level == "ERROR" || level == "STDERR" || level == "WARN";
        text += fmt::format("{}  {}  {}\n", paint(at, Colour::dim, look),
                            paint(pad(level, 6), loud ? Colour::yellow : Colour::dim, look),
                            message);
    }
    return text;
}

std::string render_events(const json::array& events, const Look& look) {
    Table table;
    table.head = {"AT", "EVENT", "STATE", "REASON", "NOTE"};
    table.flexible = 4;
    std::string text;
    for (const auto& one : events) {
        const auto* event = one.if_object();
        if (event == nullptr) continue;
        const std::string from = member(*event, "from");
        const std::string to = member(*event, "to");
        if (look.terminal) {
            const std::string change = from.empty() || from == to ? to : from + " → " + to;
            table.rows.push_back({Cell{member(*event, "at"), Colour::dim},
                                  Cell{member(*event, "event")}, Cell{change, state_colour(to)},
                                  Cell{member(*event, "reason")}, Cell{member(*event, "note")}});
        } else {
            text += tabbed({member(*event, "at"), member(*event, "event"), from, to,
                            member(*event, "reason"), member(*event, "note")});
        }
    }
    return look.terminal ? draw_trail(std::move(table), look) : text;
}

std::string render_outcome(const json::object& job) {
    const auto paths = paths_of(job);
    return tabbed({member(job, "id"), member(job, "state"), why(job),
                   paths.empty() ? std::string() : paths.front()});
}

std::vector<std::string> render_live(const std::vector<json::object>& jobs, const Look& look) {
    std::map<std::string, int> counts;
    std::vector<json::object> rows;
    for (const auto& job : jobs) ++counts[member(job, "state")];
    for (const bool over : {false, true}) {
        for (const auto& job : jobs) {
            if (is_over(member(job, "state")) == over) rows.push_back(job);
        }
    }
    // The table's head, the summary and the cursor's own line need room too.
    const auto room = static_cast<std::size_t>(std::max(look.height - 4, 1));
    if (rows.size() > room) rows.resize(room);
    std::string text = draw(list_table(rows, look), look);
    std::string summary = fmt::format("{} {}", jobs.size(), jobs.size() == 1 ? "job" : "jobs");
    for (const auto& sign : signs) {
        const auto at = counts.find(std::string(sign.state));
        if (at != counts.end()) summary += fmt::format("  {} {} {}", sign.symbol, at->second, sign.state);
    }
    text += shorten(summary, static_cast<std::size_t>(std::max(look.width, 1)));
    std::vector<std::string> lines;
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

}  // namespace reeld::reel
