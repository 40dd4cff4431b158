#pragma once
// The state that the sandbox's routes share.
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "http/server.hpp"
#include "sandbox/answer.hpp"
#include "sandbox/draws.hpp"
#include "sandbox/options.hpp"
#include "sandbox/queue.hpp"
#include "sandbox/storage.hpp"
#include "sandbox/webhooks.hpp"

namespace reeld::sandbox {

// One request, taken apart.
struct Call {
    std::string method;
    std::string path;                   // without a trailing slash
    std::vector<std::string> segments;  // of the path, decoded
    http::Target target;                // for its query
    const Headers& headers;
    const std::string& body;
    Instant now;

    bool has_prefix(std::string_view prefix) const { return path.starts_with(prefix); }
};

// An execution of another system of the same organisation: listed, not ours.
struct Stranger {
    std::string id;
    std::string model;
    Instant created_at{};
    json::object input;
};

struct World {
    explicit World(Options chosen);
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    Options options;
    Draws draws;
    Queue queue;
    Webhooks webhooks;
    Storage storage;
    std::uint64_t posts = 0;                     // submits seen, lost ones included
    std::map<std::string, unsigned> inputs;      // how often an input was POSTed
    std::map<std::string, std::uint64_t> fired;  // faults by name
    std::uint64_t key_reads = 0;
    std::uint64_t history_reads = 0;
    std::uint64_t upload_starts = 0;
    std::vector<Instant> direct_ends;  // of direct calls that wait for their results
    std::vector<Stranger> strangers;
    std::deque<Instant> recent;  // submits that count for requests_per_minute
    bool locked = false;
    std::string lock_reason = "Exhausted balance";

    // Draws whether a fault happens; a mark makes it happen the first time it is asked.
    bool strikes(Fault fault, std::uint64_t index, const std::set<std::string>& marks, bool first);
    // The n-th time something happens to a job, as an index for draws.
    static std::uint64_t nth(const Job& job, std::uint64_t n) { return job.post << 20 | n; }
    Millis scaled(Millis duration) const;
    // No hint, seconds or a date, one third of the time each.
    void hint_retry(Answer& answer, std::uint64_t index, Instant now, Millis longest) const;
    // Somebody may want to know: see Service::tell().
    std::function<void(Instant, const std::string&)> diary;
    void write(Instant at, const std::string& line) const {
        if (diary) diary(at, line);
    }
    // Lets time pass: jobs start and end, webhooks are put on their way.
    void advance(Instant now);
    // What is drawn when a job has ended.
    void finish(Job& job);
};

bool is_authorized(const World& world, const Call& call);

// The request is not known for a while, beginning now.
bool goes_missing(World& world, Fault fault, std::uint64_t at, const Job& job, bool first,
                  Instant now, std::optional<Instant>& until);
// How long a request stays out of the history, and whether it then shows its input.
void draw_listing(World& world, Job& job);
Millis listing_delay(const World& world, const Job& job);

// Routes. Each answers for its paths, or nothing.
std::optional<Answer> answer_queue(World& world, const Call& call);     // submit … cancel
std::optional<Answer> answer_direct(World& world, const Call& call);    // /fal.run
std::optional<Answer> answer_files(World& world, const Call& call);     // outputs, uploads
std::optional<Answer> answer_eachlabs(World& world, const Call& call);  // its whole API
std::optional<Answer> answer_platform(World& world, const Call& call);  // /v1, key set
std::optional<Answer> answer_control(World& world, const Call& call);   // /_sandbox

json::object write_ledger(const World& world);

// How a job will end: marks, the input's faults, drawn misfortune, or what its endpoint makes.
Outcome plan_outcome(World& world, const Job& job);
// What its result says at this time: its file's URL may be one that expires.
json::value write_result(const Job& job, Instant now);
// The answer that tells the end of a completed job of fal's.
Answer tell_result(const Job& job, Instant now);
// The same small picture for every video that has one.
inline constexpr std::string_view picture_name = "preview.png";

// What `root` is for an endpoint id: namespace, owner and alias.
std::string app_root(std::string_view endpoint);

}  // namespace reeld::sandbox
