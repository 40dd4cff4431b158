// The organisation's executions: ours, and those of its other systems.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sandbox/eachlabs.hpp"

namespace reeld::sandbox {

namespace {

struct Wish {
    std::string model;
    std::vector<std::string> statuses;
    std::string classification;
    Instant from{}, to{};
    std::size_t limit = 20, offset = 0;
};

bool read_count(const http::Target& target, std::string_view name, std::size_t least,
                std::size_t most, std::size_t& out) {
    const auto text = target.get(name);
    if (!text) return true;
    const char* end = text->data() + text->size();
    const auto [at, error] = std::from_chars(text->data(), end, out);
    return error == std::errc{} && at == end && out >= least && out <= most;
}

std::vector<std::string> split_list(const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t from = 0; from < text.size();) {
        const auto comma = std::min(text.find(',', from), text.size());
        parts.push_back(text.substr(from, comma - from));
        from = comma + 1;
    }
    return parts;
}

bool is_filter(const std::string& status) {
    return status == "created" || status == "starting" || status == "success" || status == "error";
}

// False for a query that the API refuses.
bool read_wish(const Call& call, Wish& wish) {
    const http::Target& target = call.target;
    wish.model = target.get("model").value_or("");
    wish.statuses = split_list(target.get("status").value_or(""));
    wish.classification = target.get("error_classification").value_or("");
    wish.from = call.now - std::chrono::hours(24 * 90);
    wish.to = call.now;
    for (auto [name, place] : {std::pair("from", &wish.from), std::pair("to", &wish.to)}) {
        const auto text = target.get(name);
        const auto at = text ? parse_rfc3339(*text) : std::nullopt;
        if (text && !at) return false;
        if (at) *place = *at;
    }
    return std::all_of(wish.statuses.begin(), wish.statuses.end(), is_filter) &&
           read_count(target, "limit", 1, 100, wish.limit) &&
           read_count(target, "offset", 0, 1'000'000, wish.offset);
}

bool wants(const Wish& wish, const std::string& slug, std::string_view status, Instant created) {
    if (!wish.model.empty() && wish.model != slug) return false;
    if (created < wish.from || created > wish.to) return false;
    if (!wish.classification.empty() && status != "error") return false;
    return wish.statuses.empty() ||
           std::find(wish.statuses.begin(), wish.statuses.end(), status) != wish.statuses.end();
}

json::value time_or_null(std::optional<Instant> at) {
    return at ? json::value(to_rfc3339(*at)) : json::value(nullptr);
}

struct Row {
    Instant created_at;
    json::object body;
};

Row write_row(const Job& job, const std::string& slug) {
    const auto ran = job.started_at && job.finished_at ? *job.finished_at - *job.started_at
                                                       : Millis{0};
    json::value output = write_output(job, job.finished_at.value_or(job.accepted_at));
    if (!output.is_string()) output = nullptr;
    return {job.accepted_at,
            {{"id", job.request_id},
             {"model", slug},
             {"requested_model", nullptr},
             {"status", prediction_word(job, false)},
             {"workflow_id", nullptr},
             {"workflow_execution_id", nullptr},
             {"execution_cost", job.billed ? job.price_usd : 0.0},
             {"run_time", static_cast<double>(ran.count()) / 1000.0},
             {"created_at", to_rfc3339(job.accepted_at)},
             {"started_at", time_or_null(job.started_at)},
             {"completed_at", time_or_null(job.finished_at)},
             {"output", std::move(output)}}};
}

Row write_row(const Stranger& stranger) {
    return {stranger.created_at,
            {{"id", stranger.id},
             {"model", stranger.model},
             {"requested_model", nullptr},
             {"status", "success"},
             {"workflow_id", nullptr},
             {"workflow_execution_id", nullptr},
             {"execution_cost", 0.43},
             {"run_time", 12.5},
             {"created_at", to_rfc3339(stranger.created_at)},
             {"started_at", to_rfc3339(stranger.created_at)},
             {"completed_at", to_rfc3339(stranger.created_at + Millis{12'500})},
             {"output", "https://elsewhere.invalid/uploads/stranger.mp4"}}};
}

bool is_listed(const World& world, const Job& job, Instant now) {
    if (job.dialect != Dialect::eachlabs) return false;
    if (world.options.hide_unfinished && job.stage != Stage::completed) return false;
    return now >= job.accepted_at + listing_delay(world, job);
}

std::vector<Row> find_rows(World& world, const Wish& wish, Instant now) {
    std::vector<Row> rows;
    for (Job& job : world.queue.jobs()) {
        draw_listing(world, job);
        const std::string slug = job.endpoint.substr(job.endpoint.find('/') + 1);
        if (!is_listed(world, job, now)) continue;
        if (!wants(wish, slug, prediction_word(job, false), job.accepted_at)) continue;
        rows.push_back(write_row(job, slug));
    }
    for (const Stranger& stranger : world.strangers) {
        const bool wanted = wants(wish, stranger.model, "success", stranger.created_at);
        if (wanted && stranger.created_at <= now) rows.push_back(write_row(stranger));
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.created_at > b.created_at; });
    return rows;
}

Answer trouble(World& world, std::uint64_t at, Instant now) {
    switch (world.draws.below("history_status", at, 3)) {
        case 0: return portal_answer();
        case 1: return eachlabs_error(500, "Failed to list executions");
        default: break;
    }
    Answer answer = eachlabs_error(429, "too many requests", "slow down");
    world.hint_retry(answer, at, now, Millis{30'000});
    return answer;
}

}  // namespace

Answer list_executions(World& world, const Call& call) {
    Wish wish;
    if (!read_wish(call, wish)) return eachlabs_error(400, "invalid query parameter");
    const auto at = ++world.history_reads;
    if (world.strikes(Fault::history_5xx, at, {}, false)) return trouble(world, at, call.now);
    wish.limit = std::min(wish.limit, world.options.history_page);
    std::vector<Row> rows = find_rows(world, wish, call.now);
    json::array page;
    const std::size_t end = std::min(rows.size(), wish.offset + wish.limit);
    for (std::size_t i = wish.offset; i < end; ++i) page.push_back(std::move(rows[i].body));
    return json_answer(200, {{"executions", std::move(page)},
                             {"total_count", rows.size()},
                             {"total_capped", false},
                             {"offset", wish.offset},
                             {"limit", wish.limit}});
}

}  // namespace reeld::sandbox
