#include "api/status.hpp"

#include <algorithm>

#include "api/job_json.hpp"
#include "api/money_json.hpp"

namespace reeld::api {
namespace {

json::object counts_json(const std::map<domain::State, std::int64_t>& counts) {
    json::object object;
    for (const auto state : domain::all_states) {
        const auto at = counts.find(state);
        object[domain::to_string(state)] = at == counts.end() ? 0 : at->second;
    }
    return object;
}

json::object provider_json(const engine::ProviderStatus& provider) {
    json::object object;
    object["name"] = provider.name;
    object["health"] = provider.health;
    object["message"] = text_or_null(provider.message);
    object["has_key"] = provider.has_key;
    object["key"] = provider.key;
    object["clock_ahead_ms"] =
        provider.clock_ahead ? json::value(provider.clock_ahead->count()) : json::value(nullptr);
    object["in_hand"] = provider.in_hand;
    object["concurrency"] = provider.concurrency;
    object["queued"] = provider.queued;
    object["limited_until"] = time_json(provider.limited_until);
    object["probe_at"] = time_json(provider.probe_at);
    object["last_success_at"] = time_json(provider.last_success_at);
    object["last_error"] = text_or_null(provider.last_error);
    return object;
}

json::value webhook_json(const engine::EngineStatus& status) {
    if (status.webhook_address.empty()) return nullptr;
    json::object object;
    object["listen"] = status.webhook_address;
    object["public_url"] = text_or_null(status.webhook_public_url);
    return object;
}

json::object error_json(const engine::LastError& error) {
    json::object object;
    object["at"] = time_json(error.at);
    object["job"] = text_or_null(error.job.str());
    object["code"] = error.code;
    object["message"] = error.message;
    return object;
}

json::value trouble_json(const std::optional<engine::Trouble>& trouble) {
    if (!trouble) return nullptr;
    json::object object;
    object["since"] = time_json(trouble->since);
    object["message"] = trouble->what;
    return object;
}

json::value change_json(const std::optional<engine::ClockChange>& change) {
    if (!change) return nullptr;
    json::object object;
    object["at"] = time_json(change->at);
    object["by_ms"] = change->by.count();
    return object;
}

json::object backup_json(const engine::BackupStatus& backup) {
    json::object object;
    object["last_at"] = time_json(backup.last_at);
    object["last_path"] = text_or_null(backup.last_path);
    object["running"] = nullptr;
    if (backup.running.empty()) return object;
    json::object running;
    running["path"] = backup.running;
    running["phase"] = backup.checking ? "checking" : "copying";
    running["pages_done"] = backup.pages_done;
    running["pages_total"] = backup.pages_total;
    object["running"] = std::move(running);
    return object;
}

json::object retention_json(const engine::RetentionStatus& retention) {
    json::object object;
    object["active"] = retention.active;
    object["export"] = text_or_null(retention.export_folder);
    object["trouble"] = text_or_null(retention.trouble);
    object["retired"] = retention.retired;
    object["evidence"] = retention.evidence;
    object["last_at"] = time_json(retention.last_at);
    return object;
}

json::object store_json(const store::StoreFacts& facts) {
    json::object object;
    object["sqlite_version"] = facts.sqlite_version;
    object["schema_version"] = facts.schema_version;
    object["database_bytes"] = facts.database_bytes;
    object["wal_bytes"] = facts.wal_bytes;
    return object;
}

}  // namespace

json::object status_json(const engine::EngineStatus& status, std::string_view version) {
    json::object object;
    object["version"] = version;
    object["now"] = time_json(status.now);
    object["started_at"] = time_json(status.started_at);
    // The wall clock may have been set back since the start.
    object["uptime_s"] = std::max<std::int64_t>(0, (status.now - status.started_at).count() / 1000);
    object["counts"] = counts_json(status.counts);
    json::array providers;
    for (const auto& provider : status.providers) providers.push_back(provider_json(provider));
    object["providers"] = std::move(providers);
    object["money"] = money_json(status.money);
    json::object downloads;
    downloads["active"] = status.downloads_active;
    downloads["concurrency"] = status.downloads_concurrency;
    object["downloads"] = std::move(downloads);
    json::object disk;
    disk["low"] = status.disk_low;
    disk["free_bytes"] = status.disk_free_bytes;
    object["disk"] = std::move(disk);
    object["outputs"] = text_or_null(status.outputs);
    object["outputs_trouble"] = text_or_null(status.outputs_trouble);
    object["webhook"] = webhook_json(status);
    json::object clock;
    clock["set"] = change_json(status.clock_set);
    clock["slept"] = change_json(status.clock_slept);
    object["clock"] = std::move(clock);
    json::object catalogue;
    catalogue["models"] = status.models;
    json::array mistakes;
    for (const auto& mistake : status.catalogue_mistakes) mistakes.push_back(json::value(mistake));
    catalogue["mistakes"] = std::move(mistakes);
    object["catalogue"] = std::move(catalogue);
    object["inbox_trouble"] = trouble_json(status.inbox_trouble);
    object["store_trouble"] = trouble_json(status.store_trouble);
    json::array errors;
    for (const auto& error : status.last_errors) errors.push_back(error_json(error));
    object["last_errors"] = std::move(errors);
    object["store"] = store_json(status.store);
    object["backup"] = backup_json(status.backup);
    object["retention"] = retention_json(status.retention);
    return object;
}

}  // namespace reeld::api
