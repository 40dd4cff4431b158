// The platform API: request history, prices, addresses; and the webhook keys.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sandbox/world.hpp"

namespace reeld::sandbox {

namespace {

constexpr std::size_t ids_max = 50;
constexpr std::size_t page_max = 100;

Answer problem(int status, std::string_view type, std::string_view message) {
    return json_answer(status, {{"error", {{"type", type}, {"message", message}}}});
}

// Several times the same parameter, or one with commas.
std::vector<std::string> read_list(const http::Target& target, std::string_view name) {
    std::vector<std::string> out;
    for (const auto& [key, value] : target.query) {
        if (key != name) continue;
        for (std::size_t from = 0; from <= value.size();) {
            const auto comma = std::min(value.find(',', from), value.size());
            if (comma > from) out.push_back(value.substr(from, comma - from));
            from = comma + 1;
        }
    }
    return out;
}

std::optional<std::size_t> read_count(const std::optional<std::string>& text,
                                      std::size_t otherwise) {
    if (!text) return otherwise;
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
    return value;
}

struct Wish {
    std::vector<std::string> endpoints;
    std::string request_id;
    std::string status;
    Instant start{}, end{};
    bool payloads = false;
    bool by_duration = false;
    std::size_t limit = 50, offset = 0;
};

// Fills `wish` or says which parameter is wrong.
std::optional<std::string> read_wish(const Call& call, Wish& wish) {
    const http::Target& target = call.target;
    wish.endpoints = read_list(target, "endpoint_id");
    if (wish.endpoints.empty() || wish.endpoints.size() > ids_max) return "endpoint_id";
    wish.request_id = target.get("request_id").value_or("");
    wish.status = target.get("status").value_or("");
    wish.start = call.now - std::chrono::hours(wish.request_id.empty() ? 24 : 24 * 90);
    wish.end = call.now + std::chrono::hours(1);
    for (auto [name, place] : {std::pair("start", &wish.start), std::pair("end", &wish.end)}) {
        const auto text = target.get(name);
        const auto at = text ? parse_rfc3339(*text) : std::nullopt;
        if (text && !at) return name;
        if (at) *place = *at;
    }
    const auto expand = read_list(target, "expand");
    wish.payloads = std::find(expand.begin(), expand.end(), "payloads") != expand.end();
    wish.by_duration = target.get("sort_by") == "duration";
    const auto limit = read_count(target.get("limit"), 50);
    if (!limit || *limit == 0 || *limit > page_max) return "limit";
    const auto offset = read_count(target.get("cursor"), 0);
    if (!offset) return "cursor";
    wish.limit = *limit;
    wish.offset = *offset;
    return std::nullopt;
}

bool has_status(const Job& job, const std::string& wanted) {
    if (wanted.empty()) return true;
    if (job.stage != Stage::completed) return false;
    const int status = job.outcome.status;
    return wanted == (status == 200 ? "success" : status < 500 ? "user_error" : "error");
}

bool matches(const World& world, const Wish& wish, const Job& job, Instant now) {
    if (now < job.accepted_at + listing_delay(world, job)) return false;
    if (world.options.hide_unfinished && job.stage != Stage::completed) return false;
    if (!wish.request_id.empty() && wish.request_id != job.request_id) return false;
    if (job.accepted_at < wish.start || job.accepted_at >= wish.end) return false;
    const auto& ids = wish.endpoints;
    return std::find(ids.begin(), ids.end(), job.endpoint) != ids.end() &&
           has_status(job, wish.status);
}

Millis duration_of(const Job& job) {
    return job.finished_at && job.started_at ? *job.finished_at - *job.started_at : Millis{0};
}

json::object write_item(const Job& job, bool payloads) {
    json::object item{{"request_id", job.request_id},
                      {"endpoint_id", job.endpoint},
                      {"sent_at", to_rfc3339(job.accepted_at)}};
    if (job.started_at) item["started_at"] = to_rfc3339(*job.started_at);
    if (job.finished_at) {
        item["ended_at"] = to_rfc3339(*job.finished_at);
        item["status_code"] = job.outcome.status;
        item["duration"] = static_cast<double>(duration_of(job).count()) / 1000.0;
    }
    if (!payloads || !job.store_io || job.listed_blank == true) return item;
    item["json_input"] = job.input;
    if (job.finished_at) item["json_output"] = job.outcome.body;
    return item;
}

Answer history_trouble(World& world, std::uint64_t at, Instant now) {
    switch (world.draws.below("history_status", at, 3)) {
        case 0:
            return portal_answer();
        case 1:
            return problem(500, "server_error", "internal error");
        default:
            break;
    }
    Answer answer = problem(429, "rate_limited", "slow down");
    world.hint_retry(answer, at, now, Millis{30'000});
    return answer;
}

Answer history(World& world, const Call& call) {
    Wish wish;
    if (const auto wrong = read_wish(call, wish)) {
        return problem(400, "validation_error", *wrong + " is missing or wrong");
    }
    const auto at = ++world.history_reads;
    if (world.strikes(Fault::history_5xx, at, {}, false)) {
        return history_trouble(world, at, call.now);
    }
    wish.limit = std::min(wish.limit, world.options.history_page);
    std::vector<const Job*> found;
    auto& jobs = world.queue.jobs();
    for (auto job = jobs.rbegin(); job != jobs.rend(); ++job) {
        draw_listing(world, *job);
        if (matches(world, wish, *job, call.now)) found.push_back(&*job);
    }
    std::stable_sort(found.begin(), found.end(), [&](const Job* a, const Job* b) {
        if (wish.by_duration) return duration_of(*a) > duration_of(*b);
        return a->finished_at.value_or(Instant::max()) > b->finished_at.value_or(Instant::max());
    });
    json::array items;
    const std::size_t end = std::min(found.size(), wish.offset + wish.limit);
    for (std::size_t i = wish.offset; i < end; ++i) {
        items.push_back(write_item(*found[i], wish.payloads));
    }
    const bool more = end < found.size();
    json::object page{{"items", std::move(items)}, {"next_cursor", nullptr}, {"has_more", more}};
    if (more) page["next_cursor"] = std::to_string(end);
    return json_answer(200, page);
}

Answer pricing(const World& world, const Call& call) {
    const auto ids = read_list(call.target, "endpoint_id");
    if (ids.empty() || ids.size() > ids_max) {
        return problem(400, "validation_error", "endpoint_id is missing or wrong");
    }
    json::array prices;
    for (const std::string& id : ids) {
        prices.push_back(json::object{{"endpoint_id", id},
                                      {"unit_price", world.options.unit_price_usd},
                                      {"unit", "video"},
                                      {"currency", "USD"}});
    }
    return json_answer(
        200, {{"prices", std::move(prices)}, {"next_cursor", nullptr}, {"has_more", false}});
}

Answer keys(World& world) {
    const auto at = ++world.key_reads;
    if (world.strikes(Fault::keys_5xx, at, {}, false)) {
        return html_answer(503, "503 Service Temporarily Unavailable");
    }
    const bool before = world.strikes(Fault::keys_stale, at, {}, false);
    Answer answer = json_answer(200, nullptr);
    answer.body = world.webhooks.key_set(before);
    return answer;
}

}  // namespace

void draw_listing(World& world, Job& job) {
    if (job.listed_late) return;
    job.listed_late = world.strikes(Fault::history_late, job.post, job.marks, true);
    job.listed_blank = world.strikes(Fault::history_blank, job.post, job.marks, true);
}

Millis listing_delay(const World& world, const Job& job) {
    if (job.listed_late != true) return world.scaled(world.options.history_delay);
    return world.draws.between("listed_after", job.post, Millis{300'000}, Millis{1'800'000});
}

std::optional<Answer> answer_platform(World& world, const Call& call) {
    if (call.path == "/.well-known/jwks.json") return keys(world);
    if (!call.has_prefix("/v1/")) return std::nullopt;
    if (!is_authorized(world, call)) return problem(401, "authorization_error", "invalid key");
    if (call.method != "GET") return problem(404, "not_found", "no such call");
    if (call.path == "/v1/models/requests/by-endpoint") return history(world, call);
    if (call.path == "/v1/models/pricing") return pricing(world, call);
    if (call.path == "/v1/meta") {
        return json_answer(200, {{"webhook_ip_ranges", {"127.0.0.1/32", "::1/128"}}});
    }
    return problem(404, "not_found", "no such call");
}

}  // namespace reeld::sandbox
