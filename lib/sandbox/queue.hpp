#pragma once
// The jobs and their way through the provider: a FIFO for each endpoint, a number of slots for the
// account, and laws of time drawn beforehand. Moves only in advance().
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"

namespace reeld::sandbox {

enum class Stage { queued, running, completed };
std::string_view to_string(Stage stage);  // IN_QUEUE …

// A job's end as the result call replays it.
struct Outcome {
    int status = 200;
    json::value body;
    std::string error;            // for people; empty on success
    std::string error_type;       // as the status names it
    bool infrastructure = false;  // flat body, X-Fal-Error-Type
    bool user_timeout = false;
    bool free = false;  // nothing was done that could be charged
};

// Whose protocol a job was submitted by.
enum class Dialect { fal, eachlabs };

struct Job {
    Dialect dialect = Dialect::fal;
    std::size_t index = 0;
    std::uint64_t post = 0;  // the POST that made it, counted from 1
    std::string request_id;
    std::string gateway_request_id;  // the last attempt's
    std::string next_gateway_id;     // after a server retry
    std::string endpoint;
    std::string webhook;
    std::string webhook_secret;      // of its webhook, where the dialect has one
    double price_usd = 0;
    int shape = 0;  // of the output: a text; 1: a list, 2: an object
    json::object input;
    bool store_io = true;
    std::set<std::string> marks;

    Instant accepted_at{};
    Instant eligible_at{};  // may start from here on
    Millis run_time{0};
    std::optional<Instant> start_by;
    std::optional<Instant> started_at;  // of the attempt that runs, or ran last
    std::optional<Instant> retry_at;    // the attempt that runs now breaks here
    Instant ends_at{};
    std::optional<Instant> finished_at;
    unsigned server_retries = 0;  // still to come
    bool cancel_requested = false;
    bool cancel_lied = false;  // somebody believes that it is cancelled

    std::optional<Instant> unknown_until;         // status answers 404
    std::optional<Instant> result_unknown_until;  // result answers 404
    std::optional<Millis> keep;                   // of its result, when not the usual time
    std::optional<Millis> url_life;               // of its file's URL in one answer
    int gone_status = 0;                          // its file is answered so from now on
    std::optional<bool> listed_late;              // in the history, once drawn
    std::optional<bool> listed_blank;

    Stage stage = Stage::queued;
    Outcome planned;  // how it will end if nothing happens
    Outcome outcome;  // how it ended
    bool billed = false;

    std::uint64_t polls = 0;
    std::uint64_t polls_running = 0;
    std::uint64_t streams = 0;
    std::uint64_t downloads = 0;
    std::uint64_t results = 0;
    std::uint64_t cancels = 0;
};

class Queue {
  public:
    explicit Queue(std::size_t concurrency) : concurrency_(concurrency) {}

    Job& add(Job job);
    // At once, past the queue.
    void finish_now(Job& job, Instant now);
    // Moves to `now`; the jobs that ended on the way, in that order.
    std::vector<std::size_t> advance(Instant now);
    std::optional<Instant> next_event() const;
    // Ends a waiting job as cancelled; asks a running one, which ends now unless it `ignores`.
    void cancel(Job& job, bool ignores, Instant now);

    Job* find(const std::string& request_id);
    std::deque<Job>& jobs() { return jobs_; }
    const std::deque<Job>& jobs() const { return jobs_; }
    std::size_t position(const Job& job) const;  // requests ahead on its endpoint
    std::size_t length(const std::string& endpoint) const;
    std::size_t in_flight(Dialect dialect) const;  // accepted and not at an end
    void set_concurrency(std::size_t slots) { concurrency_ = slots; }

  private:
    struct Event {
        Instant at;
        std::size_t job;
        enum class Kind { start, retry, end, expire } kind;
    };
    std::optional<Event> next() const;
    void consider(std::optional<Event>& best, Event event) const;
    void apply(const Event& event);
    void start(Job& job, Instant at);
    void complete(Job& job, Outcome outcome, Instant at);
    void leave_line(const Job& job);

    std::size_t concurrency_;
    std::deque<Job> jobs_;  // addresses stay
    std::map<std::string, std::size_t> by_id_;
    std::map<std::string, std::deque<std::size_t>> lines_;
    std::vector<std::size_t> running_;
    std::set<std::pair<Instant, std::size_t>> start_deadlines_;
    std::vector<std::size_t> finished_;
    Instant now_{};
};

Outcome cancelled_outcome();

}  // namespace reeld::sandbox
