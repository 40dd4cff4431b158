// Creating a prediction, the call that costs money.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/crypto.hpp"
#include "sandbox/eachlabs.hpp"
#include "sandbox/submit.hpp"

namespace reeld::sandbox {

namespace {

// At most one of them hits a POST.
constexpr std::array submit_faults{
    Fault::lost_request,  Fault::submit_5xx_nginx, Fault::submit_5xx_json,
    Fault::submit_5xx_proxy, Fault::submit_402,    Fault::submit_429,
    Fault::submit_portal, Fault::submit_redirect,  Fault::lost_answer,
    Fault::slow_answer,   Fault::truncated_answer, Fault::answer_no_id,
    Fault::answer_odd};

constexpr std::string_view out_of_balance =
    "the estimated cost of your in-flight executions exceeds your current balance ($1.00). please "
    "wait for an active execution to finish or top up your balance";
constexpr std::string_view too_many_at_once =
    "Account rate limited: accounts with a balance of $10.00 or less are limited to {} concurrent "
    "executions. Keep your balance above $10.00 for higher concurrency, or wait for an active "
    "execution to finish.";

struct Order {
    std::uint64_t post = 0;
    bool first = false;  // of this very input for this model
    std::string slug;
    json::object input;
    std::string webhook, secret;
    std::set<std::string> marks;
};

Millis stepped(const World& world, Millis time) {
    const Millis step = world.scaled(world.options.eachlabs_step);
    if (step <= Millis{0}) return time;
    return step * ((time + step - Millis{1}) / step);
}

Job make_job(World& world, Order order, Instant now) {
    const Options& options = world.options;
    Job job;
    job.dialect = Dialect::eachlabs;
    job.post = order.post;
    job.request_id = world.draws.uuid_v7("prediction_id", order.post, now);
    job.gateway_request_id = job.request_id;
    job.endpoint = "eachlabs/" + order.slug;
    job.price_usd = options.eachlabs_price_usd;
    job.webhook = std::move(order.webhook);
    job.webhook_secret = std::move(order.secret);
    job.input = std::move(order.input);
    job.marks = std::move(order.marks);
    job.accepted_at = now;
    const auto between = [&](std::string_view what, Millis low, Millis high) {
        return stepped(world, world.scaled(world.draws.between(what, order.post, low, high)));
    };
    job.eligible_at = now + between("queue_time", options.queue_min, options.queue_max);
    job.run_time = between("run_time", options.run_min, options.run_max);
    if (job.marks.contains("slow")) job.run_time *= 10;
    if (world.strikes(Fault::output_shape, order.post, job.marks, true)) {
        job.shape = 1 + static_cast<int>(world.draws.below("output_shape_as", order.post, 2));
    }
    job.planned = plan_prediction(world, job);
    return job;
}

// Others of the organisation are busy too.
void add_stranger(World& world, const Order& order, Instant now) {
    if (world.draws.uniform("noise", order.post) >= world.options.noise) return;
    const Millis apart =
        world.draws.between("noise_at", order.post, Millis{0}, Millis{20'000}) - Millis{10'000};
    Stranger stranger;
    stranger.id = world.draws.uuid_v7("noise_id", order.post, now);
    stranger.model = order.slug;
    stranger.created_at = now + apart;
    stranger.input["prompt"] = fmt::format("somebody else's film {}", order.post);
    world.strangers.push_back(std::move(stranger));
}

// Makes the prediction that the caller pays for, and the answer that says so.
Answer accept(World& world, const Call& call, Order order) {
    add_stranger(world, order, call.now);
    Job& job = enter(world, make_job(world, std::move(order), call.now), call.now);
    Answer answer = json_answer(200, {{"status", "success"},
                                      {"message", "Prediction created successfully"},
                                      {"predictionID", job.request_id}});
    overtake(world, job, answer, call.now);
    return answer;
}

// A gateway's page before, or after, the prediction was made.
Answer gateway(World& world, const Call& call, Order order) {
    constexpr std::array<const char*, 3> titles{
        "502 Bad Gateway", "503 Service Temporarily Unavailable", "504 Gateway Time-out"};
    const auto post = order.post;
    const auto kind = world.draws.below("nginx_status", post, 3);
    const bool behind = kind != 1 && world.draws.below("nginx_accepted", post, 4) == 0;
    if (behind) accept(world, call, std::move(order));
    return html_answer(502 + static_cast<int>(kind), titles.at(kind));
}

Answer server_error(World& world, const Call& call, Order order, Fault fault) {
    const auto post = order.post;
    const bool after = world.draws.below("json_accepted", post, 2) == 0;
    if (after) accept(world, call, std::move(order));
    if (fault == Fault::submit_5xx_proxy) return html_answer(520, "An error occurred");
    return eachlabs_error(500, "Failed to create prediction");
}

Answer moved(World& world, const Call& call, std::uint64_t post) {
    constexpr std::array<int, 3> statuses{302, 307, 308};
    Answer answer = html_answer(statuses.at(world.draws.below("redirect", post, 3)), "Moved");
    answer.headers.add("Location", "https://elsewhere.invalid" + call.path);
    return answer;
}

Answer slow_down(World& world, std::uint64_t post, Instant now) {
    Answer answer = eachlabs_error(429, "too many requests", "too many executions started at once");
    world.hint_retry(answer, post, now, Millis{3'000});
    return answer;
}

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
        answer.body = json_answer(200, {{"status", "success"}, {"predictionID", ""}}).body;
    }
}

Answer answer_order(World& world, const Call& call, Order order) {
    const auto post = order.post;
    std::optional<Fault> fault;
    for (const Fault one : submit_faults) {
        if (!fault && world.strikes(one, post, order.marks, order.first)) fault = one;
    }
    if (!fault) return accept(world, call, std::move(order));
    world.write(call.now, fmt::format("POST {}: {}", post, to_string(*fault)));
    if (*fault == Fault::lost_request) {
        Answer dropped;
        dropped.drop = true;
        return dropped;
    }
    if (*fault == Fault::submit_402) return eachlabs_error(402, "payment required", out_of_balance);
    if (*fault == Fault::submit_429) return slow_down(world, post, call.now);
    if (*fault == Fault::submit_portal) return portal_answer();
    if (*fault == Fault::submit_redirect) return moved(world, call, post);
    if (*fault == Fault::submit_5xx_nginx) return gateway(world, call, std::move(order));
    if (*fault == Fault::submit_5xx_json || *fault == Fault::submit_5xx_proxy) {
        return server_error(world, call, std::move(order), *fault);
    }
    Answer answer = accept(world, call, std::move(order));
    spoil(world, *fault, post, answer);
    return answer;
}

// Fills the order or says what is wrong with it.
std::optional<Answer> read_order(World& world, const Call& call, Order& order) {
    const auto body = parse_json(call.body);
    if (!body || !body->is_object()) return json_answer(422, json::object{});
    const json::object& wish = body->get_object();
    order.slug = find_string(wish, "model").value_or("");
    if (order.slug.empty()) return eachlabs_error(400, "model field is required");
    if (!is_known_slug(order.slug)) {
        return eachlabs_error(404, "Failed to fetch model: model not found");
    }
    const auto* input = find_object(wish, "input");
    if (input == nullptr) return eachlabs_error(400, "Invalid input for model");
    order.input = *input;
    order.first = ++world.inputs[sha256_hex(order.slug + "\n" + canonical_json(*input))] == 1;
    order.marks = read_marks(find_string(order.input, "prompt").value_or(""));
    order.webhook = find_string(wish, "webhook_url").value_or("");
    order.secret = find_string(wish, "webhook_secret").value_or("");
    for (const std::string_view name : required_inputs(order.slug)) {
        if (find_string(order.input, name).value_or("").empty()) {
            return eachlabs_error(400, "Invalid input for model");
        }
    }
    if (order.marks.contains("refused")) return eachlabs_error(400, "Invalid input for model");
    return std::nullopt;
}

std::optional<Answer> over_a_limit(World& world, const Call& call, const Order& order) {
    if (world.locked) return eachlabs_error(402, "payment required", out_of_balance);
    const std::size_t most = world.options.in_flight_max;
    if (most > 0 && world.queue.in_flight(Dialect::eachlabs) >= most) {
        ++world.fired["in_flight"];
        return eachlabs_error(429, "too many requests", fmt::format(too_many_at_once, most));
    }
    const auto again = rate_opens_at(world, call.now);
    if (!again) return std::nullopt;
    Answer answer = eachlabs_error(429, "too many requests", "too many executions started at once");
    hint_time(world, answer, order.post, *again, call.now);
    return answer;
}

}  // namespace

Answer create_prediction(World& world, const Call& call) {
    Order order;
    order.post = ++world.posts;
    if (auto wrong = read_order(world, call, order)) return *wrong;
    if (auto refused = over_a_limit(world, call, order)) return *refused;
    return answer_order(world, call, std::move(order));
}

}  // namespace reeld::sandbox
