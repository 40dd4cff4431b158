// The sandbox's own calls: what it accepted, and how it shall behave from now on.
#include "sandbox/uploads.hpp"

namespace reeld::sandbox {

namespace {

json::object write_settings(const World& world) {
    return {{"locked", world.locked},
            {"concurrency", world.options.concurrency},
            {"speed", world.options.speed},
            {"strict_paths", world.options.strict_paths},
            {"hide_unfinished", world.options.hide_unfinished},
            {"history_delay_ms", world.options.history_delay.count()},
            {"history_page", world.options.history_page},
            {"requests_per_minute", world.options.requests_per_minute},
            {"webhook_patient", world.options.webhook_patient},
            {"in_flight_max", world.options.in_flight_max},
            {"bare_401", world.options.bare_401},
            {"upload_life_ms", world.options.upload_life.count()},
            {"faults", to_json(world.options.faults)}};
}

Status read_setting(World& world, const json::object& object, std::string_view key) {
    const auto flag = find_bool(object, key);
    const auto number = find_number(object, key);
    const auto whole = find_int(object, key);
    const auto text = find_string(object, key);
    Options& options = world.options;
    if (key == "locked" && flag) {
        world.locked = *flag;
    } else if (key == "lock_reason" && text) {
        world.lock_reason = *text;
    } else if (key == "key" && text) {
        options.key = *text;
    } else if (key == "rotate_keys" && flag) {
        if (*flag) world.webhooks.rotate_key();
    } else if (key == "webhook_patient" && flag) {
        options.webhook_patient = *flag;
    } else if (key == "requests_per_minute" && whole && *whole >= 0) {
        options.requests_per_minute = static_cast<std::size_t>(*whole);
    } else if (key == "in_flight_max" && whole && *whole >= 0) {
        options.in_flight_max = static_cast<std::size_t>(*whole);
    } else if (key == "upload_life_ms" && whole && *whole >= 0) {
        options.upload_life = Millis{*whole};
    } else if (key == "bare_401" && flag) {
        options.bare_401 = *flag;
    } else if (key == "history_page" && whole && *whole >= 1) {
        options.history_page = static_cast<std::size_t>(*whole);
    } else if (key == "strict_paths" && flag) {
        options.strict_paths = *flag;
    } else if (key == "hide_unfinished" && flag) {
        options.hide_unfinished = *flag;
    } else if (key == "concurrency" && whole && *whole >= 0) {
        options.concurrency = static_cast<std::size_t>(*whole);
        world.queue.set_concurrency(options.concurrency);
    } else if (key == "history_delay_ms" && whole && *whole >= 0) {
        options.history_delay = Millis{*whole};
    } else if (key == "speed" && number && *number >= 0.001 && *number <= 1e6) {
        options.speed = *number;
    } else if (const json::object* faults = find_object(object, key); key == "faults" && faults) {
        return read_faults(*faults, options.faults);
    } else {
        return Error(ErrorCode::invalid, std::string(key) + " is unknown or of a wrong type");
    }
    return ok();
}

Answer control(World& world, const Call& call) {
    const auto body = parse_json(call.body);
    if (!body || !body->is_object())
        return json_answer(400, {{"detail", "a JSON object is needed"}});
    for (const auto& member : body->get_object()) {
        const Status status = read_setting(world, body->get_object(), member.key());
        if (!status) return json_answer(400, {{"detail", status.error().message()}});
    }
    return json_answer(200, write_settings(world));
}

json::object write_accepted(const Job& job) {
    json::object out{{"request_id", job.request_id},
                     {"gateway_request_id", job.gateway_request_id},
                     {"endpoint", job.endpoint},
                     {"input", job.input},
                     {"post", job.post},
                     {"accepted_at", to_rfc3339(job.accepted_at)},
                     {"webhook", nullptr},
                     {"state", to_string(job.stage)},
                     {"status_code", nullptr},
                     {"finished_at", nullptr},
                     {"cancel_requested", job.cancel_requested},
                     {"downloads", job.downloads},
                     {"billed", job.billed},
                     {"cost_usd", job.billed ? job.price_usd : 0.0}};
    if (!job.webhook.empty()) out["webhook"] = job.webhook;
    if (!job.finished_at) return out;
    out["status_code"] = job.outcome.status;
    out["finished_at"] = to_rfc3339(*job.finished_at);
    return out;
}

}  // namespace

json::object write_ledger(const World& world) {
    json::array accepted;
    std::size_t billed = 0;
    double billed_usd = 0;
    for (const Job& job : world.queue.jobs()) {
        accepted.push_back(write_accepted(job));
        billed += job.billed ? 1 : 0;
        billed_usd += job.billed ? job.price_usd : 0.0;
    }
    json::object fired;
    for (const auto& [name, count] : world.fired) {
        fired[name] = count;
    }
    return {{"posts", world.posts},
            {"accepted", std::move(accepted)},
            {"billed", billed},
            {"billed_usd", billed_usd},
            {"faults", std::move(fired)}};
}

std::optional<Answer> answer_control(World& world, const Call& call) {
    if (!call.has_prefix("/_sandbox/")) return std::nullopt;
    if (call.path == "/_sandbox/health") return json_answer(200, {{"status", "ok"}});
    if (call.path == "/_sandbox/ledger") return json_answer(200, write_ledger(world));
    if (call.path == "/_sandbox/uploads") return json_answer(200, write_uploads(world));
    if (call.path == "/_sandbox/control") {
        return call.method == "POST" ? control(world, call)
                                     : json_answer(200, write_settings(world));
    }
    return json_answer(404, {{"detail", "Not Found"}});
}

}  // namespace reeld::sandbox
