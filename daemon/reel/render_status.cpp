#include "reel/render_status.hpp"

#include <fmt/format.h>

#include <map>

#include "reel/render_job.hpp"
#include "reel/render_money.hpp"

namespace reeld::reel {
namespace {

Colour health_colour(std::string_view health) {
    if (health == "ok") return Colour::green;
    return health == "limited" ? Colour::yellow : Colour::red;
}

std::string health_symbol(std::string_view health) {
    if (health == "ok") return "✓";
    return health == "limited" ? "◷" : "✗";
}

std::int64_t count(const json::object& object, std::string_view key) {
    return find_int(object, key).value_or(0);
}

void line(std::string& text, std::string_view name, const std::string& value, const Look& look) {
    if (!look.terminal) {
        text += tabbed({std::string(name), value});
    } else {
        text += fmt::format("{}  {}\n", paint(pad(name, 10), Colour::dim, look), value);
    }
}

void add_jobs(std::string& text, const json::object& status, const Look& look) {
    const auto* counts = find_object(status, "counts");
    if (counts == nullptr) return;
    std::string summary;
    for (const auto& one : *counts) {
        const std::string state(one.key());
        const auto jobs = find_int(*counts, state).value_or(0);
        if (!look.terminal) {
            text += tabbed({"jobs." + state, fmt::format("{}", jobs)});
        } else if (jobs > 0) {
            if (!summary.empty()) summary += "  ";
            summary += paint(fmt::format("{} {} {}", state_symbol(state), jobs, state),
                             state_colour(state), look);
        }
    }
    if (look.terminal) line(text, "jobs", summary.empty() ? "none" : summary, look);
}

std::string provider_note(const json::object& provider, const Look& look) {
    std::string note = member(provider, "message");
    // Of a provider that is well again, the last error is history: the table below tells it.
    if (note.empty() && member(provider, "health") != "ok") note = member(provider, "last_error");
    if (const auto until = parse_rfc3339(member(provider, "limited_until"))) {
        note += fmt::format("{}limited, again {}", note.empty() ? "" : "; ",
                            relative(*until, look.now));
    }
    if (!find_bool(provider, "has_key").value_or(true)) {
        note = "no key configured" + (note.empty() ? std::string() : "; " + note);
    }
    return note;
}

void add_providers(std::string& text, const json::object& status, const Look& look) {
    const auto* providers = find_array(status, "providers");
    if (providers == nullptr || providers->empty()) return;
    Table table;
    table.head = {"PROVIDER", "HEALTH", "IN HAND", "QUEUED", "NOTE"};
    table.flexible = 4;
    for (const auto& one : *providers) {
        const auto* provider = one.if_object();
        if (provider == nullptr) continue;
        const std::string name = member(*provider, "name");
        const std::string health = member(*provider, "health");
        const std::string hand = fmt::format("{}/{}", count(*provider, "in_hand"),
                                             count(*provider, "concurrency"));
        const std::string queued = fmt::format("{}", count(*provider, "queued"));
        const std::string note = provider_note(*provider, look);
        if (!look.terminal) {
            text += tabbed({"provider." + name, health, hand, queued, note});
            continue;
        }
        table.rows.push_back({Cell{name},
                              Cell{health_symbol(health) + " " + health, health_colour(health)},
                              Cell{hand, Colour::none, true}, Cell{queued, Colour::none, true},
                              Cell{note}});
    }
    if (look.terminal) text += "\n" + draw(table, look);
}

void add_errors(std::string& text, const json::object& status, const Look& look) {
    const auto* errors = find_array(status, "last_errors");
    if (errors == nullptr || errors->empty()) return;
    Table table;
    table.head = {"LAST ERRORS", "JOB", "CODE", "MESSAGE"};
    table.flexible = 3;
    for (const auto& one : *errors) {
        const auto* error = one.if_object();
        if (error == nullptr) continue;
        if (!look.terminal) {
            text += tabbed({"error", member(*error, "at"), member(*error, "job"),
                            member(*error, "code"), member(*error, "message")});
            continue;
        }
        const auto at = parse_rfc3339(member(*error, "at"));
        table.rows.push_back({Cell{at ? relative(*at, look.now) : std::string(), Colour::dim},
                              Cell{member(*error, "job")},
                              Cell{member(*error, "code"), Colour::red},
                              Cell{member(*error, "message")}});
    }
    if (look.terminal) text += "\n" + draw(table, look);
}

std::string webhook_line(const json::object& status) {
    const auto* webhook = find_object(status, "webhook");
    if (webhook == nullptr) return "none: results are polled for";
    const std::string url = member(*webhook, "public_url");
    return member(*webhook, "listen") + (url.empty() ? ", no public URL" : ", public as " + url);
}

std::string disk_line(const json::object& status) {
    const auto* disk = find_object(status, "disk");
    if (disk == nullptr) return {};
    const auto free = static_cast<std::uint64_t>(count(*disk, "free_bytes"));
    return format_size(free) + " free" +
           (find_bool(*disk, "low").value_or(false) ? ", too little: downloads wait" : "");
}

std::string backup_line(const json::object& status, const Look& look) {
    const auto* backup = find_object(status, "backup");
    if (backup == nullptr) return {};
    if (const auto* running = find_object(*backup, "running")) {
        return fmt::format("{} {}: {} of {} pages", member(*running, "phase"),
                           member(*running, "path"), count(*running, "pages_done"),
                           count(*running, "pages_total"));
    }
    const auto at = parse_rfc3339(member(*backup, "last_at"));
    if (!at) return "none since the start";
    return fmt::format("{} {}", member(*backup, "last_path"),
                       look.terminal ? relative(*at, look.now) : member(*backup, "last_at"));
}

}  // namespace

std::string render_status(const json::object& status, const Look& look) {
    std::string text;
    const auto uptime = Millis{count(status, "uptime_s") * 1000};
    line(text, "version", member(status, "version"), look);
    line(text, "uptime",
         look.terminal ? format_duration(uptime) : fmt::format("{}", uptime.count() / 1000), look);
    add_jobs(text, status, look);
    if (const auto* downloads = find_object(status, "downloads")) {
        line(text, "downloads",
             fmt::format("{}/{}", count(*downloads, "active"), count(*downloads, "concurrency")),
             look);
    }
    line(text, "disk", disk_line(status), look);
    line(text, "outputs", member(status, "outputs"), look);
    line(text, "webhook", webhook_line(status), look);
    for (const std::string name : {"inbox", "store"}) {
        const auto* trouble = find_object(status, name + "_trouble");
        if (trouble != nullptr) line(text, name, member(*trouble, "message"), look);
    }
    if (find_object(status, "backup") != nullptr) {
        line(text, "backup", backup_line(status, look), look);
    }
    if (const auto* retention = find_object(status, "retention")) {
        if (find_bool(*retention, "active").value_or(false)) {
            const std::string trouble = member(*retention, "trouble");
            line(text, "retention",
                 trouble.empty() ? fmt::format("{} records removed since the start",
                                               count(*retention, "retired"))
                                 : "stands still: " + trouble,
                 look);
        }
    }
    text += render_money(status, look);
    add_providers(text, status, look);
    add_errors(text, status, look);
    return text;
}

}  // namespace reeld::reel
