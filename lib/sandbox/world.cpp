#include "sandbox/world.hpp"

#include <fmt/format.h>

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
    const bool marked = first && marks.contains(name);
    const double odds = options.faults[fault];
    if (!marked && (odds <= 0 || draws.uniform(name, index) >= odds)) return false;
    ++fired[name];
    return true;
}

Millis World::scaled(Millis duration) const {
    return Millis{static_cast<std::int64_t>(static_cast<double>(duration.count()) / options.speed)};
}

void World::hint_retry(Answer& answer, std::uint64_t index, Instant now, Millis longest) const {
    const auto kind = draws.below("retry_after", index, 3);
    if (kind == 0) return;
    const Millis wait = draws.between("retry_after_s", index, Millis{1'000}, longest);
    answer.headers.add("Retry-After", kind == 1 ? std::to_string((wait.count() + 999) / 1000)
                                                : http_date(now + wait + Millis{999}));
}

void World::advance(Instant now) {
    for (const std::size_t index : queue.advance(now)) {
        Job& job = queue.jobs()[index];
        finish(job);
        if (job.webhook.empty() || job.outcome.status == 499) continue;
        if (strikes(Fault::webhook_dropped, job.post, job.marks, true)) continue;
        const auto strikes_hook = [&](Fault fault) {
            return strikes(fault, job.post, job.marks, true);
        };
        const bool is_fal = job.dialect == Dialect::fal;
        WebhookFaults faults;
        faults.duplicate = strikes_hook(Fault::webhook_duplicate);
        faults.late = strikes_hook(Fault::webhook_late);
        faults.forged = strikes_hook(Fault::webhook_forged);
        faults.payload_error = is_fal && strikes_hook(Fault::webhook_payload_error);
        faults.null = is_fal && strikes_hook(Fault::webhook_null);
        faults.stale = is_fal && strikes_hook(Fault::webhook_stale);
        faults.cut = strikes_hook(Fault::webhook_cut);
        faults.swapped = strikes_hook(Fault::webhook_swapped);
        faults.legacy = !is_fal && strikes_hook(Fault::webhook_legacy);
        webhooks.schedule(job, faults);
    }
}

void World::finish(Job& job) {
    write(*job.finished_at, fmt::format("{} ended with {}{}", job.request_id, job.outcome.status,
                                        job.billed ? ", billed" : ""));
    const bool is_fal = job.dialect == Dialect::fal;
    if (is_fal && strikes(Fault::key_rotation, job.post, job.marks, true)) webhooks.rotate_key();
    if (job.outcome.status != 200) return;
    if (is_fal && strikes(Fault::result_expires, job.post, job.marks, true)) {
        job.keep = draws.between("result_kept", job.post, Millis{30'000}, Millis{300'000});
    }
    if (strikes(Fault::url_expires, job.post, job.marks, true)) {
        job.url_life = draws.between("url_life", job.post, Millis{60'000}, Millis{600'000});
    }
}

bool goes_missing(World& world, Fault fault, std::uint64_t at, const Job& job, bool first,
                  Instant now, std::optional<Instant>& until) {
    if (!until && world.strikes(fault, at, job.marks, first)) {
        until = now + world.draws.between("missing_for", at, Millis{10'000}, Millis{60'000});
    }
    return until && now < *until;
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
