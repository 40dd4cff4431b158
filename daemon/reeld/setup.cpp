#include "reeld/setup.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "providers/registry.hpp"
#include "reeld/catalogue_folder.hpp"

namespace reeld::daemon {
namespace {

// "host:port" of every URL that the user named for this provider.
std::vector<std::string> named_hosts(const provider_api::ProviderConfig& api) {
    std::vector<std::string> hosts;
    for (const std::string* text :
         {&api.queue_url, &api.rest_url, &api.platform_url, &api.base_url}) {
        const auto url = text->empty() ? std::nullopt : parse_url(*text);
        if (!url) continue;
        const bool six = url->host.find(':') != std::string::npos;
        hosts.push_back(fmt::format("{}:{}", six ? "[" + url->host + "]" : url->host, url->port));
    }
    return hosts;
}

bool names_plain_http(const provider_api::ProviderConfig& api) {
    return api.queue_url.starts_with("http:") || api.rest_url.starts_with("http:") ||
           api.platform_url.starts_with("http:") || api.base_url.starts_with("http:");
}

engine::ProviderSetup provider_setup(const ProviderSettings& settings, bool webhook) {
    engine::ProviderSetup setup;
    setup.policy.poll_interval = settings.poll_interval;
    setup.policy.poll_interval_max = std::max(settings.poll_interval, Millis{300'000});
    setup.policy.webhook = webhook;
    setup.policy.submit_timeout = settings.submit_timeout;
    setup.policy.submit_unknown_wait = settings.submit_unknown_wait;
    setup.policy.resubmit_unknown = settings.on_submit_unknown == OnSubmitUnknown::resubmit;
    setup.policy.retry_base = settings.retry.base;
    setup.policy.retry_max = settings.retry.max;
    setup.status_streams = settings.status_streams;
    setup.limits.concurrency = settings.concurrency;
    setup.limits.requests_per_minute = settings.requests_per_minute;
    setup.limits.retry_base = settings.retry.base;
    setup.limits.retry_max = settings.retry.max;
    setup.allow_plain_http = names_plain_http(settings.api);
    setup.allow_private_addresses = !named_hosts(settings.api).empty();
    return setup;
}

engine::DownloadSetup download_setup(const Config& config) {
    engine::DownloadSetup setup;
    setup.outputs = config.paths.outputs;
    setup.concurrency = static_cast<int>(config.downloads.concurrency);
    setup.stall_timeout = config.downloads.stall_timeout;
    setup.max_bytes = config.downloads.max_bytes;
    setup.allowed_hosts = config.downloads.allowed_hosts;
    // A default entry was named by nobody, so it gives no right to plain http or private addresses.
    const std::vector<std::string> defaults = Downloads{}.allowed_hosts;
    for (const std::string& host : config.downloads.allowed_hosts) {
        if (std::find(defaults.begin(), defaults.end(), host) == defaults.end()) {
            setup.named_hosts.push_back(host);
        }
    }
    return setup;
}

engine::InputSetup input_setup(const Config& config) {
    engine::InputSetup setup;
    setup.folders = config.inputs.folders;
    setup.spool = config.paths.state + "/files";
    setup.file_max_bytes = config.inputs.max_bytes;
    setup.spool_max_bytes = config.inputs.spool_max_bytes;
    setup.keep = config.inputs.keep;
    setup.data_uri_max = config.inputs.data_uri_max;
    setup.upload_concurrency = static_cast<int>(config.inputs.upload_concurrency);
    return setup;
}

engine::RetentionSetup retention_setup(const Config& config) {
    engine::RetentionSetup setup;
    setup.export_folder = export_folder(config);
    setup.evidence_max_age = config.retention.evidence;
    const auto keep = [&](domain::State state, const KeepLimits& limits) {
        if (!limits.max_age && !limits.max_count) return;
        setup.jobs[state] = engine::RetentionLimits{limits.max_age, limits.max_count};
    };
    keep(domain::State::completed, config.retention.completed);
    keep(domain::State::failed, config.retention.failed);
    keep(domain::State::cancelled, config.retention.cancelled);
    return setup;
}

}  // namespace

Result<Setup> make_setup(const Config& config, const KeySources& sources) {
    Setup setup;
    setup.engine.downloads = download_setup(config);
    setup.engine.retention = retention_setup(config);
    setup.engine.inputs = input_setup(config);
    setup.engine.catalogue = load_catalogue(config.catalogue.folder);
    setup.warnings = setup.engine.catalogue->mistakes();
    if (config.webhook) setup.engine.webhook_public_url = config.webhook->public_url;
    for (const providers::Entry& entry : providers::registry()) {
        const std::string name(entry.name);
        const auto at = config.providers.find(name);
        const ProviderSettings settings =
            at == config.providers.end() ? ProviderSettings{} : at->second;
        const auto key = find_key(name, settings.key_file, sources);
        if (!key) return key.error();
        if (!settings.named && key->key.empty()) continue;
        provider_api::ProviderConfig api = settings.api;
        api.key = key->key;
        engine::ProviderSetup provider =
            provider_setup(settings, !setup.engine.webhook_public_url.empty());
        provider.provider = std::shared_ptr<const provider_api::Provider>(entry.make(api));
        provider.has_key = !key->key.empty();
        setup.notes.push_back(provider.has_key
                                  ? fmt::format("{}: key from {}", name, key->source)
                                  : fmt::format("{}: no key; {}", name,
                                                where_keys_are_looked_for(name, settings.key_file)));
        for (std::string& host : named_hosts(api)) {
            setup.engine.downloads.named_hosts.push_back(std::move(host));
        }
        setup.engine.providers.emplace(name, std::move(provider));
    }
    if (setup.engine.providers.empty()) {
        setup.notes.push_back("no provider is in use: name one as [providers.fal], or give a key");
    }
    return setup;
}

}  // namespace reeld::daemon
