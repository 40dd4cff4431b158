#include "sandbox/world.hpp"

namespace reeld::sandbox {

World::World(Options chosen)
    : options(std::move(chosen)),
      draws(options.seed),
      queue(options.concurrency),
      webhooks(options, draws),
      storage(options.upload_bytes_max) {}

bool World::strikes(Fault fault, std::uint64_t index, const std::set<std::string>& marks,
                    bool first) {
    const std::string name(to_string(fault));
    const bool hit =
        (first && marks.contains(name)) || draws.uniform(name, index) < options.faults[fault];
    if (hit) ++fired[name];
    return hit;
}

Millis World::scaled(Millis duration) const {
    return Millis{static_cast<std::int64_t>(static_cast<double>(duration.count()) / options.speed)};
}

void World::advance(Instant now) {
    for (const std::size_t index : queue.advance(now)) {
        const Job& job = queue.jobs()[index];
        if (job.webhook.empty() || job.outcome.status == 499) continue;
        if (strikes(Fault::webhook_dropped, job.post, job.marks, true)) continue;
        WebhookFaults faults;
        faults.duplicate = strikes(Fault::webhook_duplicate, job.post, job.marks, true);
        faults.late = strikes(Fault::webhook_late, job.post, job.marks, true);
        faults.forged = strikes(Fault::webhook_forged, job.post, job.marks, true);
        faults.payload_error = strikes(Fault::webhook_payload_error, job.post, job.marks, true);
        webhooks.schedule(job, faults);
    }
}

bool is_authorized(const World& world, const Call& call) {
    const std::string* value = call.headers.find("authorization");
    if (value == nullptr) return false;
    constexpr std::string_view scheme = "Key ";
    if (!value->starts_with(scheme) || value->size() == scheme.size()) return false;
    return world.options.key.empty() || value->substr(scheme.size()) == world.options.key;
}

std::string app_root(std::string_view endpoint) {
    const auto first = endpoint.substr(0, endpoint.find('/'));
    int slashes = first == "workflows" || first == "comfy" ? 3 : 2;
    std::size_t at = 0;
    while (at < endpoint.size() && (endpoint[at] != '/' || --slashes > 0)) {
        ++at;
    }
    return std::string(endpoint.substr(0, at));
}

}  // namespace reeld::sandbox
