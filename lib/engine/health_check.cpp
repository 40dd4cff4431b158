#include "engine/health_check.hpp"

#include "base/log.hpp"
#include "engine/provider_call.hpp"

namespace reeld::engine {
namespace {

std::string key_verdict(const ProviderSetup& setup, const Exchange& exchange) {
    const auto accepted = setup.provider->read_key_check(exchange);
    if (!accepted) return "unreachable";
    return *accepted ? "accepted" : "refused";
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
        const Exchange exchange = co_await exchange_with(core, setup, std::move(request));
        ProviderHealth& health = core.health[name];
        const std::string before = std::exchange(health.key, key_verdict(setup, exchange));
        if (health.key == "refused" && before != "refused") {
            log::error("engine", "the provider refuses the key; jobs will be held until it is mended",
                       {{"provider", name}});
        }
        const std::string* date = exchange.delivery == Delivery::answered
                                      ? exchange.response.headers.find("Date")
                                      : nullptr;
        const auto theirs = date != nullptr ? parse_http_date(*date) : std::nullopt;
        if (theirs) health.clock_ahead = core.now() - *theirs;
    }
}

std::string outputs_trouble(Core& core) {
    runtime::FileSystem& files = core.services.files;
    const std::string path = core.config.downloads.outputs + "/.reeld-write-check";
    auto file = files.open_append(path);
    Status status = file ? (*file)->append("reeld") : Status(file.error());
    const Status removed = files.remove(path);
    if (status && !removed) status = removed.error();
    return status ? std::string{} : status.error().message();
}

}  // namespace reeld::engine
