#include "reel/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "http/client.hpp"
#include "provider_api/http_message.hpp"
#include "reel/render_job.hpp"

namespace reeld::reel {
namespace {

// The Date header has whole seconds, and the answer takes its own time.
constexpr Millis skew_max{5'000};
// Half of the five minutes that fal's signatures are good for.
constexpr Millis provider_skew_max{150'000};

using Findings = std::vector<Finding>;

bool check_socket(const Observation& seen, Findings& findings) {
    if (!seen.failure) {
        findings.emplace_back(Verdict::ok, "socket", seen.socket + " answers");
        return true;
    }
    std::string detail = seen.failure->message;
    if (!seen.socket_exists && seen.failure->exit == Exit::unreachable) {
        detail = fmt::format("there is no socket at {}", seen.socket);
    }
    findings.emplace_back(Verdict::failed, "socket", detail, seen.failure->hint,
                          seen.failure->exit);
    return false;
}

void check_version(const Observation& seen, Findings& findings) {
    const std::string theirs = member(seen.status, "version");
    if (theirs == seen.version) {
        findings.emplace_back(Verdict::ok, "version", "reel and reeld are both " + theirs);
        return;
    }
    findings.emplace_back(Verdict::failed, "version",
                          fmt::format("reel is {}, reeld is {}", seen.version, theirs),
                          "Install both from one build, then `systemctl restart reeld`.");
}

void check_clock(const Observation& seen, Findings& findings) {
    const auto theirs = parse_http_date(seen.date);
    if (!theirs) {
        findings.emplace_back(Verdict::warning, "clock", "the daemon's answer carries no date");
        return;
    }
    const Millis skew = seen.now - *theirs;
    if (skew > skew_max || skew < -skew_max) {
        findings.emplace_back(Verdict::warning, "clock",
                              fmt::format("the daemon's clock and this one are {} apart",
                                          span(skew.count() < 0 ? -skew : skew)),
                              "Synchronise the clock: `timedatectl set-ntp true`.");
        return;
    }
    findings.emplace_back(Verdict::ok, "clock", "the daemon's clock agrees with this one");
}

void check_key(const std::string& name, const json::object& provider, Findings& findings) {
    const std::string key = member(provider, "key");
    if (key == "refused") {
        findings.emplace_back(Verdict::failed, "key_" + name,
                              fmt::format("{} refuses the key", name),
                              "Put a valid key in the place of the old one, then `systemctl reload "
                              "reeld`.",
                              Exit::credentials);
        return;
    }
    if (find_bool(provider, "has_key").value_or(false)) {
        const bool accepted = key == "accepted";
        findings.emplace_back(accepted ? Verdict::ok : Verdict::warning, "key_" + name,
                              accepted ? fmt::format("{} accepts the key", name)
                                       : fmt::format("a key is configured; {} could not be asked "
                                                     "whether it is valid",
                                                     name),
                              accepted ? "" : "Check this machine's way to the internet.");
        return;
    }
    findings.emplace_back(Verdict::failed, "key_" + name,
                          fmt::format("no key is configured for {}", name),
                          fmt::format("Give the service a credential named {}_key, or a key_file, "
                                      "then `systemctl reload reeld`.",
                                      name),
                          Exit::credentials);
}

void check_health(const std::string& name, const json::object& provider, Findings& findings) {
    const std::string health = member(provider, "health");
    std::string note = member(provider, "message");
    if (note.empty() && health != "ok") note = member(provider, "last_error");
    const std::string detail = health + (note.empty() ? std::string() : ": " + note);
    const std::string check = "provider_" + name;
    if (health == "ok") {
        findings.emplace_back(Verdict::ok, check, detail);
    } else if (health == "limited") {
        findings.emplace_back(Verdict::warning, check, detail,
                              "Nothing to do: submits go on by themselves. Less "
                              "requests_per_minute avoids it.");
    } else if (health == "paused") {
        findings.emplace_back(Verdict::failed, check, detail,
                              "Mend the key or the account; a probe job then resumes the rest.",
                              Exit::credentials);
    } else {
        findings.emplace_back(Verdict::failed, check, detail,
                              "Look at the provider's status page and `journalctl -u reeld`.",
                              Exit::provider_unavailable);
    }
}

// A provider's webhooks are refused when they seem to be minutes old.
void check_provider_clock(const std::string& name, const json::object& provider,
                          Findings& findings) {
    const auto ahead = find_int(provider, "clock_ahead_ms");
    if (!ahead) return;
    const Millis skew{*ahead};
    if (skew <= provider_skew_max && skew >= -provider_skew_max) return;
    findings.emplace_back(Verdict::failed, "clock_" + name,
                          fmt::format("the daemon's clock is {} {} {}'s",
                                      span(skew.count() < 0 ? -skew : skew),
                                      skew.count() > 0 ? "ahead of" : "behind", name),
                          "Synchronise the clock: `timedatectl set-ntp true`.");
}

void check_providers(const Observation& seen, Findings& findings) {
    const auto* providers = find_array(seen.status, "providers");
    if (providers == nullptr || providers->empty()) {
        findings.emplace_back(Verdict::failed, "providers", "no provider is configured",
                              "Add [providers.fal] or [providers.eachlabs] to reeld.toml.");
        return;
    }
    for (const auto& one : *providers) {
        const auto* provider = one.if_object();
        if (provider == nullptr) continue;
        const std::string name = member(*provider, "name");
        check_key(name, *provider, findings);
        check_health(name, *provider, findings);
        check_provider_clock(name, *provider, findings);
    }
}

void check_webhook(const Observation& seen, Findings& findings) {
    const auto* webhook = find_object(seen.status, "webhook");
    const std::string url = webhook == nullptr ? std::string() : member(*webhook, "public_url");
    if (url.empty()) {
        findings.emplace_back(Verdict::warning, "webhook",
                              "no public URL is configured: results are polled for",
                              "Set webhook.listen and webhook.public_url to hear of results at "
                              "once; polling works too.");
        return;
    }
    if (!seen.webhook) {
        findings.emplace_back(Verdict::warning, "webhook",
                              url + " is not a public https address: providers cannot call it",
                              "Set webhook.public_url to an https URL that reaches webhook.listen.");
        return;
    }
    // Gateways answer 502 to 504 and 530 themselves when nothing stands behind them.
    if (!seen.webhook->answered || seen.webhook->status >= 502) {
        findings.emplace_back(
            Verdict::failed, "webhook",
            fmt::format("{} does not reach the daemon: {}", url,
                        seen.webhook->answered ? fmt::format("status {}", seen.webhook->status)
                                               : seen.webhook->error),
            "Check the tunnel or proxy before webhook.listen, its name and its certificate.");
        return;
    }
    findings.emplace_back(Verdict::ok, "webhook", url + " answers");
}

void check_disk(const Observation& seen, Findings& findings) {
    const auto* disk = find_object(seen.status, "disk");
    if (disk == nullptr) return;
    const auto free =
        format_size(static_cast<std::uint64_t>(find_int(*disk, "free_bytes").value_or(0)));
    const std::string folder = member(seen.status, "outputs");
    if (find_bool(*disk, "low").value_or(false)) {
        findings.emplace_back(Verdict::failed, "disk",
                              fmt::format("{} free at {}: downloads wait", free, folder),
                              "Make room; downloads go on by themselves.", Exit::disk);
        return;
    }
    findings.emplace_back(Verdict::ok, "disk", fmt::format("{} free at {}", free, folder));
    const std::string trouble = member(seen.status, "outputs_trouble");
    if (!trouble.empty()) {
        findings.emplace_back(Verdict::failed, "outputs",
                              fmt::format("{} cannot be written: {}", folder, trouble),
                              "Give the folder to the service's user, and name it in "
                              "ReadWritePaths= when it lies outside the state folder.",
                              Exit::disk);
    }
}

void check_trouble(const Observation& seen, const std::string& name, Findings& findings) {
    const auto* trouble = find_object(seen.status, name + "_trouble");
    if (trouble == nullptr) return;
    const auto since = parse_rfc3339(member(*trouble, "since"));
    const Millis lasts = since ? std::max(Millis{0}, seen.now - *since) : Millis{0};
    findings.emplace_back(Verdict::failed, name,
                          fmt::format("for {}: {}", span(lasts), member(*trouble, "message")));
}

// Told for a day: whoever looks in the morning sees why the night's times are odd.
void check_clock_set(const Observation& seen, Findings& findings) {
    constexpr Millis told_for = std::chrono::hours{24};
    const auto* clock = find_object(seen.status, "clock");
    const auto* set = clock == nullptr ? nullptr : find_object(*clock, "set");
    if (set == nullptr) return;
    const auto at = parse_rfc3339(member(*set, "at"));
    const Millis by{find_int(*set, "by_ms").value_or(0)};
    if (!at || seen.now - *at > told_for) return;
    findings.emplace_back(Verdict::warning, "clock_set",
                          fmt::format("the clock was set {} by {} at {}; waits kept their length",
                                      by.count() < 0 ? "back" : "forward",
                                      span(by.count() < 0 ? -by : by), member(*set, "at")),
                          "Keep it synchronised: `timedatectl set-ntp true`.");
}

void check_retention(const Observation& seen, Findings& findings) {
    const auto* retention = find_object(seen.status, "retention");
    if (retention == nullptr || !find_bool(*retention, "active").value_or(false)) return;
    const std::string folder = member(*retention, "export");
    const std::string trouble = member(*retention, "trouble");
    if (trouble.empty()) {
        findings.emplace_back(Verdict::ok, "retention", "old records go to " + folder);
        return;
    }
    findings.emplace_back(Verdict::failed, "retention",
                          "nothing is removed, because it cannot be exported first: " + trouble,
                          "Give " + folder + " room and to the service's user; name it in "
                          "ReadWritePaths= when it lies outside the state folder.",
                          Exit::disk);
}

// A job for a model that was left out is refused, or compared with the model that came with reeld.
void check_catalogue(const Observation& seen, Findings& findings) {
    const auto* catalogue = find_object(seen.status, "catalogue");
    const auto* mistakes = catalogue == nullptr ? nullptr : find_array(*catalogue, "mistakes");
    if (mistakes == nullptr) return;
    for (const auto& mistake : *mistakes) {
        if (!mistake.is_string()) continue;
        findings.emplace_back(Verdict::warning, "catalogue", std::string(mistake.get_string()),
                              "Mend the file, then `systemctl reload reeld`.");
    }
    if (mistakes->empty()) {
        findings.emplace_back(Verdict::ok, "catalogue",
                              fmt::format("{} models are known",
                                          find_int(*catalogue, "models").value_or(0)));
    }
}

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::ok: return "ok";
        case Verdict::warning: return "warning";
        case Verdict::failed: return "failed";
    }
    return "failed";
}

}  // namespace

std::vector<Finding> diagnose(const Observation& seen) {
    Findings findings;
    if (!check_socket(seen, findings)) return findings;
    check_version(seen, findings);
    check_clock(seen, findings);
    check_providers(seen, findings);
    check_webhook(seen, findings);
    check_disk(seen, findings);
    check_clock_set(seen, findings);
    check_trouble(seen, "inbox", findings);
    check_trouble(seen, "store", findings);
    check_retention(seen, findings);
    check_catalogue(seen, findings);
    return findings;
}

bool is_public_url(std::string_view text) {
    const auto url = parse_url(text);
    if (!url || url->scheme != "https" || url->host == "localhost") return false;
    const bool address = url->host.find(':') != std::string::npos ||
                         url->host.find_first_not_of("0123456789.") == std::string::npos;
    return !address || !http::is_private_address(url->host);
}

std::string render_findings(const std::vector<Finding>& findings, const Look& look) {
    std::string text;
    for (const auto& finding : findings) {
        if (!look.terminal) {
            text += tabbed({std::string(name_of(finding.verdict)), finding.check, finding.detail,
                            finding.remedy});
            continue;
        }
        const bool good = finding.verdict == Verdict::ok;
        const bool bad = finding.verdict == Verdict::failed;
        const std::string sign = paint(good ? "✓" : bad ? "✗" : "!",
                                       good ? Colour::green : bad ? Colour::red : Colour::yellow,
                                       look);
        text += fmt::format("{} {}  {}\n", sign, pad(finding.check, 18), clean(finding.detail));
        if (!finding.remedy.empty()) {
            text += fmt::format("  {}  {}\n", pad("", 18), paint(finding.remedy, Colour::dim, look));
        }
    }
    return text;
}

json::object findings_json(const std::vector<Finding>& findings) {
    json::array list;
    for (const auto& finding : findings) {
        json::object one;
        one["verdict"] = name_of(finding.verdict);
        one["check"] = finding.check;
        one["detail"] = finding.detail;
        one["remedy"] = finding.remedy.empty() ? json::value(nullptr) : json::value(finding.remedy);
        list.push_back(std::move(one));
    }
    json::object object;
    object["findings"] = std::move(list);
    return object;
}

Exit exit_of(const std::vector<Finding>& findings) {
    for (const auto& finding : findings) {
        if (finding.verdict == Verdict::failed) return finding.exit;
    }
    return Exit::ok;
}

}  // namespace reeld::reel
