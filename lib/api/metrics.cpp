#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "api/status.hpp"

namespace reeld::api {
namespace {

constexpr std::array<std::string_view, 4> healths{"ok", "paused", "limited", "failing"};

// Writes one family after the other; a sample's label text comes ready made.
class Page {
  public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        text_ += fmt::format("# HELP reeld_{} {}\n# TYPE reeld_{} {}\n", name, help, name, type);
    }
    template <class N>
    void sample(N value, std::string_view labels = {}) {
        text_ += fmt::format("reeld_{}{} {}\n", name_, labels, value);
    }
    template <class N>
    void gauge(std::string_view name, std::string_view help, N value) {
        family(name, "gauge", help);
        sample(value);
    }
    std::string take() { return std::move(text_); }

  private:
    std::string_view name_;
    std::string text_;
};

std::string label(std::string_view name, std::string_view value) {
    return fmt::format("{{{}=\"{}\"}}", name, escape_label(value));
}

bool is_metric_name(std::string_view name) {
    return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_';
           });
}

// A line end inside a label text would break the page in two.
std::string one_line(std::string_view labels) {
    std::string text;
    for (const char c : labels) {
        if (c == '\n') {
            text += "\\n";
        } else {
            text.push_back(c);
        }
    }
    return text.empty() || text.front() == '{' ? text : "{" + text + "}";
}

void write_daemon(Page& page, const engine::EngineStatus& status, std::string_view version) {
    page.family("build_info", "gauge", "Always 1; the label tells the version.");
    page.sample(1, label("version", version));
    page.gauge("start_time_seconds", "Start of the daemon in seconds since 1970.",
               static_cast<double>(to_unix_ms(status.started_at)) / 1000);
    page.gauge("downloads_active", "Downloads that are running.", status.downloads_active);
    page.gauge("downloads_concurrency", "Downloads that may run at once.",
               status.downloads_concurrency);
    page.gauge("disk_low", "1 while downloads wait for room on the disk.", status.disk_low ? 1 : 0);
    page.gauge("disk_free_bytes", "Free room where the outputs are stored.",
               status.disk_free_bytes);
    page.gauge("inbox_trouble", "1 while dropped rows cannot be taken.",
               status.inbox_trouble ? 1 : 0);
    page.gauge("store_trouble", "1 while a foreign program is in the way of reel.db.",
               status.store_trouble ? 1 : 0);
    page.gauge("store_database_bytes", "Size of reel.db.", status.store.database_bytes);
    page.gauge("store_wal_bytes", "Size of the write-ahead log of reel.db.",
               status.store.wal_bytes);
}

void write_jobs(Page& page, const engine::EngineStatus& status) {
    page.family("jobs", "gauge", "Jobs by state.");
    for (const auto state : domain::all_states) {
        const auto at = status.counts.find(state);
        page.sample(at == status.counts.end() ? 0 : at->second,
                    label("state", domain::to_string(state)));
    }
}

template <class F>
void write_per_provider(Page& page, const engine::EngineStatus& status, std::string_view name,
                        std::string_view help, F value) {
    page.family(name, "gauge", help);
    for (const auto& provider : status.providers) {
        page.sample(value(provider), label("provider", provider.name));
    }
}

void write_health(Page& page, const engine::EngineStatus& status) {
    page.family("provider_health", "gauge", "1 for the health that a provider is in.");
    for (const auto& provider : status.providers) {
        for (const auto health : healths) {
            page.sample(provider.health == health ? 1 : 0,
                        fmt::format("{{provider=\"{}\",health=\"{}\"}}",
                                    escape_label(provider.name), health));
        }
    }
}

void write_providers(Page& page, const engine::EngineStatus& status) {
    if (status.providers.empty()) return;
    using P = engine::ProviderStatus;
    write_health(page, status);
    write_per_provider(page, status, "provider_in_hand", "Jobs that hold a slot at the provider.",
                       [](const P& p) { return p.in_hand; });
    write_per_provider(page, status, "provider_concurrency", "Slots at the provider.",
                       [](const P& p) { return p.concurrency; });
    write_per_provider(page, status, "provider_queued", "Jobs that wait for the provider.",
                       [](const P& p) { return p.queued; });
    write_per_provider(page, status, "provider_has_key", "1 when a key is configured.",
                       [](const P& p) { return p.has_key ? 1 : 0; });
}

double usd(std::int64_t micro_usd) { return static_cast<double>(micro_usd) / 1e6; }

void write_money(Page& page, const engine::MoneyStatus& money) {
    page.gauge("reserved_usd", "Set aside for submits that are not decided.",
               usd(money.open.reserved_micro_usd));
    page.gauge("possibly_billed_usd", "Nobody knows whether it is billed; no part of what was spent.",
               usd(money.open.possible_micro_usd));
    page.gauge("unpriced_submits_today", "Submits of today that (may) cost what nobody knows.",
               money.today.unpriced);
    if (money.models.empty()) return;
    page.family("spent_today_usd", "gauge", "Spent by the submits of today, by the local calendar.");
    for (const engine::NamedMoney& one : money.models) {
        page.sample(usd(one.today.spent()),
                    fmt::format("{{provider=\"{}\",model=\"{}\"}}", escape_label(one.provider),
                                escape_label(one.name)));
    }
}

void write_counters(Page& page, const engine::Counters& counters) {
    for (const auto& [name, samples] : counters) {
        if (!is_metric_name(name)) continue;
        const std::string full = name + "_total";
        std::string words = name;
        std::replace(words.begin(), words.end(), '_', ' ');
        page.family(full, "counter", fmt::format("Count of {} since the start.", words));
        for (const auto& [labels, value] : samples) page.sample(value, one_line(labels));
    }
}

}  // namespace

std::string escape_label(std::string_view value) {
    std::string text;
    for (const char c : value) {
        if (c == '\\' || c == '"') text.push_back('\\');
        if (c == '\n') {
            text += "\\n";
        } else {
            text.push_back(c);
        }
    }
    return text;
}

std::string metrics_text(const engine::EngineStatus& status, const engine::Counters& counters,
                         std::string_view version) {
    Page page;
    write_daemon(page, status, version);
    write_jobs(page, status);
    write_providers(page, status);
    write_money(page, status.money);
    write_counters(page, counters);
    return page.take();
}

}  // namespace reeld::api
