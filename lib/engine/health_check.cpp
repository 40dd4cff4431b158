#include "engine/health_check.hpp"

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"
#include "engine/gatekeeper.hpp"
#include "engine/provider_call.hpp"

namespace reeld::engine {
namespace {

std::string key_verdict(const ProviderSetup& setup, const Exchange& exchange) {
    const auto accepted = setup.provider->read_key_check(exchange);
    if (!accepted) return "unreachable";
    return *accepted ? "accepted" : "refused";
}

std::string store_trouble(const store::StoreFacts& facts) {
    const std::string who = facts.held_by.empty() ? "another program" : facts.held_by;
    if (!facts.is_in_place) {
        return "reel.db was removed or replaced under the running daemon: what happens now is lost "
               "with it; stop reeld, put the file back, start reeld";
    }
    if (facts.writes_blocked) {
        return who + " holds reel.db in a write transaction: nothing can be written until it ends; "
               "end it, reel.db is for reading only";
    }
    if (facts.wal_is_stuck) {
        return "reel.db-wal has grown to " + format_size(facts.wal_bytes) + " and goes on growing: " +
               who + " does not end its read of reel.db; end it, the file then shrinks by itself";
    }
    return {};
}

// A key that was mended before a restart must not wait for the next probe job.
void resume_accepted(Core& core, const std::string& provider) {
    const Status resumed = core.services.store.transact(
        [&](store::Tx& tx) { read_succeeded(core, tx, provider); });
    if (!resumed) {
        retry_branch::taken(RetryBranch::keys_stays_paused);
        log::warning("engine", "a paused provider stays paused",
                     {{"provider", provider}, {"error", resumed.error().message()}});
    }
}

}  // namespace

awaitable<void> check_keys(Core& core) {
    // A copy: a reload may replace the configuration while an answer is awaited.
    const std::map<std::string, ProviderSetup> providers = core.config.providers;
    for (const auto& [name, setup] : providers) {
        if (!setup.has_key) {
            core.health[name].key = "missing";
            continue;
        }
        auto request = setup.provider->build_key_check();
        crash_point::pass(CrashPoint::key_check_request_leaves);
        const Exchange exchange = co_await exchange_with(core, setup, std::move(request));
        crash_point::pass(CrashPoint::key_check_answer_read);
        ProviderHealth& health = core.health[name];
        const std::string before = std::exchange(health.key, key_verdict(setup, exchange));
        if (health.key == "unreachable") retry_branch::taken(RetryBranch::keys_unreachable);
        if (health.key == "refused") retry_branch::taken(RetryBranch::keys_refused);
        if (health.key == "refused" && before != "refused") {
            log::error("engine", "the provider refuses the key; jobs will be held until it is mended",
                       {{"provider", name}});
        }
        if (health.key == "accepted") resume_accepted(core, name);
    }
}

void watch_outputs(Core& core) {
    runtime::FileSystem& files = core.services.files;
    const std::string& folder = core.config.downloads.outputs;
    const std::string path = folder + "/.reeld-write-check";
    auto file = files.open_append(path);
    Status status = file ? (*file)->append("reeld") : Status(file.error());
    crash_point::pass(CrashPoint::outputs_check_file_written);
    const Status removed = files.remove(path);
    if (status && !removed) status = removed.error();
    std::string what = status ? std::string{} : status.error().message();
    if (!what.empty()) retry_branch::taken(RetryBranch::outputs_unwritable);
    if (!what.empty() && core.outputs_trouble.empty()) {
        log::warning("outputs", "the outputs' folder cannot be written; results wait",
                     {{"folder", folder}, {"error", what}});
    }
    if (what.empty() && !core.outputs_trouble.empty()) {
        log::info("outputs", "the outputs' folder can be written again", {{"folder", folder}});
    }
    core.outputs_trouble = std::move(what);
}

void watch_store(Core& core, const store::StoreFacts& facts) {
    std::string what = store_trouble(facts);
    if (what.empty()) {
        if (core.store_trouble) log::info("store", "reel.db is free again");
        core.store_trouble.reset();
        return;
    }
    if (!core.store_trouble) {
        core.store_trouble = Trouble{core.now(), {}};
        log::warning("store", what);
    }
    core.store_trouble->what = std::move(what);
}

}  // namespace reeld::engine
