#include "reeld/config_report.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <utility>

#include "base/secret.hpp"

namespace reeld::daemon {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// The largest unit that keeps the value whole, so that the text parses back to the same value.
template <std::size_t N>
std::string exact(std::uint64_t value, const std::array<Unit, N>& units) {
    for (const Unit& unit : units) {
        if (value != 0 && value % unit.factor == 0) {
            return fmt::format("{}{}", value / unit.factor, unit.name);
        }
    }
    return fmt::format("{}{}", value, units.back().name);
}

std::string exact_duration(Millis duration) {
    constexpr std::array<Unit, 5> units{
        {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
    return exact(static_cast<std::uint64_t>(duration.count()), units);
}

std::string exact_size(std::uint64_t bytes) {
    constexpr std::array<Unit, 5> units{{{"TiB", std::uint64_t{1} << 40},
                                         {"GiB", std::uint64_t{1} << 30},
                                         {"MiB", std::uint64_t{1} << 20},
                                         {"KiB", std::uint64_t{1} << 10},
                                         {"B", 1}}};
    return exact(bytes, units);
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

void add_provider(std::vector<Setting>& out, const std::string& name,
                  const ProviderSettings& provider) {
    const auto add = [&](std::string_view key, std::string value) {
        out.push_back({fmt::format("providers.{}.{}", name, key), std::move(value)});
    };
    add("named", provider.named ? "yes" : "no");
    add("queue_url", or_dash(redact_url(provider.api.queue_url)));
    add("rest_url", or_dash(redact_url(provider.api.rest_url)));
    add("platform_url", or_dash(redact_url(provider.api.platform_url)));
    add("base_url", or_dash(redact_url(provider.api.base_url)));
    add("auth", or_dash(provider.api.auth));
    add("user_id", or_dash(provider.api.user_id));
    add("key_file", or_dash(provider.key_file));
    add("concurrency", fmt::to_string(provider.concurrency));
    add("requests_per_minute", fmt::to_string(provider.requests_per_minute));
    add("poll_interval", exact_duration(provider.poll_interval));
    add("status_streams", fmt::to_string(provider.status_streams));
    add("submit_timeout", exact_duration(provider.submit_timeout));
    add("submit_unknown_wait", exact_duration(provider.submit_unknown_wait));
    add("on_submit_unknown",
        provider.on_submit_unknown == OnSubmitUnknown::hold ? "hold" : "resubmit");
    add("retry.base", exact_duration(provider.retry.base));
    add("retry.max", exact_duration(provider.retry.max));
}

void add_inputs(std::vector<Setting>& out, const Inputs& inputs) {
    out.push_back({"inputs.folders", or_dash(fmt::format("{}", fmt::join(inputs.folders, ", ")))});
    out.push_back({"inputs.keep", exact_duration(inputs.keep)});
    out.push_back({"inputs.max_bytes", exact_size(inputs.max_bytes)});
    out.push_back({"inputs.spool_max_bytes", exact_size(inputs.spool_max_bytes)});
    out.push_back({"inputs.data_uri_max", exact_size(inputs.data_uri_max)});
    out.push_back({"inputs.upload_concurrency", fmt::to_string(inputs.upload_concurrency)});
}

void add_limits(std::vector<Setting>& out, std::string_view name, const KeepLimits& limits) {
    out.push_back({fmt::format("retention.{}.max_age", name),
                   limits.max_age ? exact_duration(*limits.max_age) : "-"});
    out.push_back({fmt::format("retention.{}.max_count", name),
                   limits.max_count ? fmt::to_string(*limits.max_count) : "-"});
}

void add_retention(std::vector<Setting>& out, const Config& config) {
    const Retention& retention = config.retention;
    out.push_back({"retention.export", export_folder(config)});
    add_limits(out, "completed", retention.completed);
    add_limits(out, "failed", retention.failed);
    add_limits(out, "cancelled", retention.cancelled);
    out.push_back({"retention.evidence",
                   retention.evidence ? exact_duration(*retention.evidence) : "-"});
}

// Listening and the folders are set up once. A webhook that comes or goes is a listener that does.
bool needs_restart(std::string_view key, bool comes_or_goes) {
    return key.starts_with("paths.") || key == "webhook.listen" ||
           (key == "webhook.public_url" && comes_or_goes);
}

}  // namespace

std::vector<Setting> settings_of(const Config& config) {
    std::vector<Setting> out{
        {"paths.state", config.paths.state},
        {"paths.outputs", config.paths.outputs},
        {"paths.socket", config.paths.socket},
        {"webhook.listen", config.webhook ? config.webhook->listen : "-"},
        {"webhook.public_url", config.webhook ? config.webhook->public_url : "-"},
    };
    for (const auto& [name, provider] : config.providers) add_provider(out, name, provider);
    out.push_back({"downloads.concurrency", fmt::to_string(config.downloads.concurrency)});
    out.push_back({"downloads.stall_timeout", exact_duration(config.downloads.stall_timeout)});
    out.push_back({"downloads.max_bytes", exact_size(config.downloads.max_bytes)});
    out.push_back({"downloads.allowed_hosts",
                   or_dash(fmt::format("{}", fmt::join(config.downloads.allowed_hosts, ", ")))});
    add_inputs(out, config.inputs);
    add_retention(out, config);
    out.push_back({"catalogue.folder", or_dash(config.catalogue.folder)});
    out.push_back({"log.level", std::string(log::to_string(config.log_level))});
    return out;
}

std::string summary(const Config& config) {
    std::string text;
    for (const Setting& setting : settings_of(config)) {
        text += fmt::format("{} = {}\n", setting.key, setting.value);
    }
    for (const std::string& warning : config.warnings) text += "warning: " + warning + "\n";
    return text;
}

ReloadDiff diff_reload(const Config& before, const Config& after) {
    std::map<std::string, std::pair<std::string, std::string>> values;
    for (Setting& setting : settings_of(before)) {
        values[setting.key] = {std::move(setting.value), "-"};
    }
    for (Setting& setting : settings_of(after)) {
        auto [at, added] = values.try_emplace(setting.key, "-", "-");
        at->second.second = std::move(setting.value);
    }
    ReloadDiff diff;
    for (const auto& [key, value] : values) {
        if (value.first == value.second) continue;
        const bool comes_or_goes = value.first == "-" || value.second == "-";
        auto& lines = needs_restart(key, comes_or_goes) ? diff.restart : diff.live;
        lines.push_back(fmt::format("{}: {} -> {}", key, value.first, value.second));
    }
    return diff;
}

}  // namespace reeld::daemon
