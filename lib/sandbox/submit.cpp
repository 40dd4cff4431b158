#include "sandbox/submit.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/crypto.hpp"
#include "sandbox/products.hpp"

namespace reeld::sandbox {

namespace {

// At most one of them hits a POST.
constexpr std::array submit_faults{
    Fault::lost_request, Fault::submit_5xx_nginx, Fault::submit_5xx_json,  Fault::submit_5xx_proxy,
    Fault::submit_429,   Fault::submit_portal,    Fault::submit_redirect,  Fault::lost_answer,
    Fault::slow_answer,  Fault::truncated_answer, Fault::answer_no_id,     Fault::answer_odd,
    Fault::answer_foreign_urls};

struct Order {
    std::uint64_t post = 0;
    bool first = false;  // of this very input on this endpoint
    json::object input;
    std::set<std::string> marks;
};

std::optional<Fault> draw_fault(World& world, const Order& order) {
    for (const Fault fault : submit_faults) {
        if (world.strikes(fault, order.post, order.marks, order.first)) return fault;
    }
    return std::nullopt;
}

std::optional<double> read_seconds(const Headers& headers) {
    const std::string* text = headers.find("x-fal-request-start-timeout");
    if (text == nullptr) text = headers.find("x-fal-request-timeout");
    if (text == nullptr) return std::nullopt;
    double seconds = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (error != std::errc{} || !std::isfinite(seconds) || seconds <= 0.1 || seconds > 1e7) {
        return std::nullopt;
    }
    return seconds;
}

Job make_job(World& world, const Call& call, const std::string& endpoint, Order order) {
    const Options& options = world.options;
    Job job;
    job.post = order.post;
    job.request_id = world.draws.uuid_v7("request_id", order.post, call.now);
    job.gateway_request_id = job.request_id;
    job.next_gateway_id = world.draws.uuid_v7("gateway_id", order.post, call.now);
    job.endpoint = endpoint;
    job.price_usd = options.unit_price_usd;
    job.webhook = call.target.get("fal_webhook").value_or("");
    job.input = std::move(order.input);
    job.marks = std::move(order.marks);
    const std::string* store = call.headers.find("x-fal-store-io");
    job.store_io = store == nullptr || *store != "0";
    job.accepted_at = call.now;
    const auto between = [&](std::string_view what, Millis low, Millis high) {
        return world.scaled(world.draws.between(what, order.post, low, high));
    };
    job.eligible_at = call.now + between("queue_time", options.queue_min, options.queue_max);
    job.run_time = between("run_time", options.run_min, options.run_max);
    if (job.marks.contains("slow")) job.run_time *= 10;
    if (const auto seconds = read_seconds(call.headers)) {
        job.start_by = call.now + Millis{static_cast<std::int64_t>(*seconds * 1000)};
    }
    if (call.headers.find("x-fal-no-retry") == nullptr) {
        job.server_retries =
            world.strikes(Fault::server_retry, order.post, job.marks, true) ? 1 : 0;
    }
    job.planned = plan_outcome(world, job);
    return job;
}

// Makes the job that the caller pays for, and the answer that says so.
Answer accept(World& world, const Call& call, const std::string& endpoint, Order order) {
    Job& job = enter(world, make_job(world, call, endpoint, std::move(order)), call.now);
    json::object body = describe(world, job);
    body["status"] = to_string(Stage::queued);
    body["queue_position"] = world.queue.position(job);
    Answer answer = json_answer(200, body);
    answer.headers.add("x-fal-request-id", job.request_id);
    overtake(world, job, answer, call.now);
    return answer;
}

Answer nginx(World& world, const Call& call, const std::string& endpoint, Order order) {
    constexpr std::array<const char*, 3> titles{
        "502 Bad Gateway", "503 Service Temporarily Unavailable", "504 Gateway Time-out"};
    const auto post = order.post;
    const auto kind = world.draws.below("nginx_status", post, 3);
    const bool behind = kind != 1 && world.draws.below("nginx_accepted", post, 4) == 0;
    if (behind) accept(world, call, endpoint, std::move(order));
    return html_answer(502 + static_cast<int>(kind), titles.at(kind));
}

Answer json_5xx(World& world, const Call& call, const std::string& endpoint, Order order) {
    const auto post = order.post;
    const bool unavailable = world.draws.below("json_status", post, 2) == 0;
    std::string id = world.draws.uuid_v7("lost_id", post, call.now);
    if (world.draws.below("json_accepted", post, 2) == 0) {
        const Answer hidden = accept(world, call, endpoint, std::move(order));
        id = *hidden.headers.find("x-fal-request-id");
    }
    Answer answer =
        unavailable
            ? json_answer(503, {{"detail", "No runner available"},
                                {"error_type", "runner_scheduling_failure"}})
            : json_answer(500, {{"detail", "Internal error"}, {"error_type", "internal_error"}});
    answer.headers.add("X-Fal-Error-Type",
                       unavailable ? "runner_scheduling_failure" : "internal_error");
    answer.headers.add("x-fal-request-id", id);
    return answer;
}

Answer proxy(World& world, const Call& call, const std::string& endpoint, Order order) {
    constexpr std::array<int, 3> statuses{500, 502, 520};
    const auto post = order.post;
    if (world.draws.below("proxy_accepted", post, 2) == 0) {
        accept(world, call, endpoint, std::move(order));
    }
    Answer answer = html_answer(statuses.at(world.draws.below("proxy_status", post, 3)), "");
    answer.body = "<!DOCTYPE html>\n<title>An error occurred</title>\n<p>edge-7</p>\n";
    return answer;
}

Answer too_many(World& world, const Order& order, Instant now) {
    Answer answer = json_answer(429, {{"detail", "Too many requests"}});
    world.hint_retry(answer, order.post, now, Millis{3'000});
    return answer;
}

// More submits than the account may make in a minute.
std::optional<Answer> over_the_rate(World& world, std::uint64_t post, Instant now) {
    const auto again = rate_opens_at(world, now);
    if (!again) return std::nullopt;
    Answer answer = json_answer(429, {{"detail", "Rate limit exceeded"}});
    hint_time(world, answer, post, *again, now);
    return answer;
}

Answer redirect(World& world, const Call& call, std::uint64_t post) {
    constexpr std::array<int, 3> statuses{302, 307, 308};
    Answer answer = html_answer(statuses.at(world.draws.below("redirect", post, 3)), "Moved");
    answer.headers.add("Location", "https://elsewhere.invalid" + call.path);
    return answer;
}

// What came of an accepted submit, as the caller hears it.
void spoil(World& world, Fault fault, std::uint64_t post, Answer& answer) {
    if (fault == Fault::lost_answer) answer.drop = true;
    if (fault == Fault::truncated_answer) {
        answer.cut_after = world.draws.below("answer_cut", post, answer.body.size());
    }
    if (fault == Fault::slow_answer) {
        answer.delay =
            world.scaled(world.draws.between("answer_delay", post, Millis{5'000}, Millis{20'000}));
    }
    if (fault == Fault::answer_odd) double_fields(answer);
    if (fault == Fault::answer_no_id) {
        const bool hidden = world.draws.below("id_in_header", post, 2) == 0;
        Answer bare = json_answer(200, {{"detail", "Internal error"}, {"status", "ERROR"}});
        if (hidden) bare.headers.add("x-fal-request-id", *answer.headers.find("x-fal-request-id"));
        bare.delay = answer.delay;
        answer = std::move(bare);
    }
}

json::object foreign_urls(const std::string& request_id) {
    const std::string url = "https://elsewhere.invalid/requests/" + request_id;
    return {{"request_id", request_id},
            {"response_url", url},
            {"status_url", url + "/status"},
            {"cancel_url", url + "/cancel"},
            {"status", "IN_QUEUE"},
            {"queue_position", 0}};
}

Answer dropped() {
    Answer answer;
    answer.drop = true;
    return answer;
}

Answer invalid_input() {
    json::object entry{{"loc", {"body", "prompt"}},
                       {"msg", "the prompt asks for a refusal"},
                       {"type", "value_error"}};
    return json_answer(422, {{"detail", json::array{std::move(entry)}}});
}

Answer answer_order(World& world, const Call& call, const std::string& endpoint, Order order) {
    if (order.marks.contains("refused")) return invalid_input();
    const auto post = order.post;
    if (auto refused = over_the_rate(world, post, call.now)) return *refused;
    const auto fault = draw_fault(world, order);
    if (fault) world.write(call.now, fmt::format("POST {}: {}", post, to_string(*fault)));
    if (fault == Fault::lost_request) return dropped();
    if (fault == Fault::submit_429) return too_many(world, order, call.now);
    if (fault == Fault::submit_portal) return portal_answer();
    if (fault == Fault::submit_redirect) return redirect(world, call, post);
    if (fault == Fault::submit_5xx_nginx) return nginx(world, call, endpoint, std::move(order));
    if (fault == Fault::submit_5xx_json) return json_5xx(world, call, endpoint, std::move(order));
    if (fault == Fault::submit_5xx_proxy) return proxy(world, call, endpoint, std::move(order));
    Answer answer = accept(world, call, endpoint, std::move(order));
    if (fault == Fault::answer_foreign_urls) {
        const std::string id = *answer.headers.find("x-fal-request-id");
        answer.body = json_answer(200, foreign_urls(id)).body;
    } else if (fault) {
        spoil(world, *fault, post, answer);
    }
    return answer;
}

std::optional<Answer> refuse(World& world, const Call& call, const std::string& endpoint) {
    if (!is_authorized(world, call)) {
        return json_answer(401, {{"detail", "invalid key credentials"}});
    }
    if (world.locked) {
        return json_answer(
            403, {{"detail", fmt::format("User is locked. Reason: {}. Top up your balance at "
                                         "fal.ai/dashboard/billing.",
                                         world.lock_reason)}});
    }
    const auto longest = call.target.get("fal_max_queue_length");
    if (longest && world.queue.length(endpoint) > std::strtoull(longest->c_str(), nullptr, 10)) {
        return json_answer(429, {{"detail", "Queue is too long"}});
    }
    return std::nullopt;
}

// Fills the order or says what is wrong with it.
std::optional<Answer> read_order(World& world, const Call& call, const std::string& endpoint,
                                 Order& order) {
    const auto body = parse_json(call.body);
    if (!body || !body->is_object()) {
        return json_answer(
            400, {{"detail", "The body must be a JSON object"}, {"error_type", "bad_request"}});
    }
    order.input = body->get_object();
    order.first = ++world.inputs[sha256_hex(endpoint + "\n" + canonical_json(*body))] == 1;
    order.marks = read_marks(text_of(endpoint, order.input));
    return std::nullopt;
}

Answer too_many_at_once() {
    Answer answer = json_answer(429, {{"detail", "Too many concurrent requests"},
                                      {"error_type", "concurrent_requests_limit"}});
    answer.headers.add("X-Fal-Error-Type", "concurrent_requests_limit");
    answer.headers.add("X-Fal-Needs-Retry", "1");
    return answer;
}

}  // namespace

Job& enter(World& world, Job job, Instant now) {
    Job& entered = world.queue.add(std::move(job));
    world.write(now, fmt::format("POST {}: accepted as {}", entered.post, entered.request_id));
    return entered;
}

void overtake(World& world, Job& job, Answer& answer, Instant now) {
    if (job.webhook.empty()) return;
    if (!world.strikes(Fault::webhook_early, job.post, job.marks, true)) return;
    world.queue.finish_now(job, now);
    answer.delay = Millis{400};
}

std::optional<Instant> rate_opens_at(World& world, Instant now) {
    const std::size_t limit = world.options.requests_per_minute;
    const Millis window = world.scaled(Millis{60'000});
    auto& recent = world.recent;
    while (!recent.empty() && recent.front() + window <= now) recent.pop_front();
    if (limit == 0 || recent.size() < limit) {
        recent.push_back(now);
        return std::nullopt;
    }
    ++world.fired["rate_limit"];
    return recent.front() + window;
}

void hint_time(const World& world, Answer& answer, std::uint64_t post, Instant again, Instant now) {
    if (world.draws.below("rate_hint", post, 2) == 0) {
        answer.headers.add("Retry-After", std::to_string((again - now).count() / 1000 + 1));
    } else {
        answer.headers.add("Retry-After", http_date(again + Millis{999}));
    }
}

json::object describe(const World& world, const Job& job) {
    const std::string url = fmt::format("{}/{}/requests/{}", world.options.public_url,
                                        app_root(job.endpoint), job.request_id);
    return {{"request_id", job.request_id},
            {"response_url", url},
            {"status_url", url + "/status"},
            {"cancel_url", url + "/cancel"}};
}

Answer submit(World& world, const Call& call, const std::string& endpoint) {
    Order order;
    order.post = ++world.posts;
    if (auto answer = refuse(world, call, endpoint)) return *answer;
    if (auto answer = read_order(world, call, endpoint, order)) return *answer;
    return answer_order(world, call, endpoint, std::move(order));
}

Answer run_directly(World& world, const Call& call, const std::string& endpoint) {
    Order order;
    order.post = ++world.posts;
    if (auto answer = refuse(world, call, endpoint)) return *answer;
    std::erase_if(world.direct_ends, [&](Instant end) { return end <= call.now; });
    if (world.direct_ends.size() >= world.options.concurrency) return too_many_at_once();
    if (auto answer = read_order(world, call, endpoint, order)) return *answer;
    if (order.marks.contains("refused")) return invalid_input();
    Job& job = enter(world, make_job(world, call, endpoint, std::move(order)), call.now);
    const Instant end = job.eligible_at + job.run_time;
    world.queue.finish_now(job, call.now);
    world.direct_ends.push_back(end);
    Answer answer = tell_result(job, end);
    answer.delay = end - call.now;
    return answer;
}

}  // namespace reeld::sandbox
