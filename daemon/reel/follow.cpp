#include "reel/follow.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reel/feed.hpp"
#include "reel/render_job.hpp"
#include "reel/render_money.hpp"

namespace reeld::reel {
namespace {

constexpr Millis tick{1'000};
constexpr Millis look_again{30'000};   // even without news
constexpr Millis news_gathered{200};   // a burst of events is one look
constexpr std::string_view active_states =
    "held,blocked,scheduled,queued,submitting,submit_unknown,submitted,running,fetching";

bool over(const json::object& job) { return is_over(member(job, "state")); }

class Follower {
  public:
    Follower(Session& session, FollowOptions options)
        : session_(session),
          options_(std::move(options)),
          feed_(std::make_shared<Feed>(session.tasks.executor())) {}

    awaitable<FollowEnd> run(Show show, bool ticking) {
        start_ = session_.clock.monotonic();
        FollowEnd end;
        if (auto failure = co_await look(true)) {
            end.exit = failure->exit;
            end.failure = std::move(failure);
            co_return end;
        }
        session_.tasks.spawn("event stream", read_feed(session_, feed_));
        while (true) {
            add_logs();
            show(seen_);
            if (done()) {
                end.exit = outcome_of(ended());
                break;
            }
            if (left() <= Millis{0}) {
                end.exit = Exit::timed_out;
                break;
            }
            co_await wait_for_news(ticking);
            if (auto failure = co_await look_if_needed()) {
                end.exit = failure->exit;
                end.failure = std::move(failure);
                break;
            }
        }
        end.last = seen_;
        co_return end;
    }

  private:
    Millis left() const {
        if (!options_.timeout) return look_again;
        return *options_.timeout - (session_.clock.monotonic() - start_);
    }

    void add_logs() {
        for (auto& job : seen_.jobs) {
            const auto line = feed_->logs.find(member(job, "id"));
            if (line != feed_->logs.end()) job[newest_log] = line->second;
        }
    }

    bool done() const {
        if (options_.active || seen_.jobs.empty()) return false;
        const auto& jobs = seen_.jobs;
        return options_.any ? std::any_of(jobs.begin(), jobs.end(), over)
                            : std::all_of(jobs.begin(), jobs.end(), over);
    }

    std::vector<json::object> ended() const {
        std::vector<json::object> jobs;
        std::copy_if(seen_.jobs.begin(), seen_.jobs.end(), std::back_inserter(jobs), over);
        return jobs;
    }

    awaitable<void> wait_for_news(bool ticking) {
        const bool blind = !feed_->connected;
        const Millis longest = ticking || blind ? tick : look_again;
        const bool rung = co_await feed_->bell.wait_for(session_.clock, std::min(longest, left()));
        if (rung && left() > news_gathered) co_await session_.clock.sleep_for(news_gathered);
    }

    // A daemon that went away is waited for: jobs do not get lost by its restart.
    awaitable<std::optional<Failure>> look_if_needed() {
        const Millis now = session_.clock.monotonic();
        const bool old = now - looked_ >= (feed_->connected ? look_again : tick);
        if (!feed_->everything && feed_->jobs.empty() && !old) co_return std::nullopt;
        const bool all = feed_->everything || old;
        auto failure = co_await look(all);
        if (failure && failure->temporary) {
            feed_->everything = true;
            if (!std::exchange(told_, true)) {
                session_.console.err("reel: the daemon is not reachable; waiting for it\n");
            }
            co_return std::nullopt;
        }
        told_ = false;
        co_return failure;
    }

    awaitable<std::optional<Failure>> look(bool all) {
        looked_ = session_.clock.monotonic();
        const auto news = std::exchange(feed_->jobs, {});
        feed_->everything = false;
        if (options_.active || !options_.batch.empty()) return look_at_list();
        return look_at_ids(all, news);
    }

    awaitable<std::optional<Failure>> look_at_ids(bool all, std::set<std::string> news) {
        seen_.jobs.resize(options_.ids.size());
        seen_.bodies.resize(options_.ids.size());
        for (std::size_t i = 0; i < options_.ids.size(); ++i) {
            const bool known = !seen_.jobs[i].empty();
            if (known && (over(seen_.jobs[i]) || (!all && !news.contains(options_.ids[i])))) {
                continue;
            }
            Called called = co_await call(session_, "GET", job_target(options_.ids[i]));
            if (auto* failure = std::get_if<Failure>(&called)) co_return std::move(*failure);
            auto& reply = std::get<Reply>(called);
            if (!reply.value.is_object()) co_return not_a_job();
            seen_.jobs[i] = reply.value.get_object();
            seen_.bodies[i] = std::move(reply.body);
            // From now on by its whole id: a beginning may become ambiguous.
            options_.ids[i] = member(seen_.jobs[i], "id");
        }
        co_return std::nullopt;
    }

    awaitable<std::optional<Failure>> look_at_list() {
        Followed found;
        std::string cursor;
        do {
            const std::string states =
                options_.active ? std::string(active_states) : std::string();
            const std::vector<std::pair<std::string, std::string>> members{
                {"state", states}, {"batch", options_.batch}, {"limit", "500"},
                {"cursor", cursor}};
            Called called = co_await call(session_, "GET", "/v1/jobs" + query_text(members));
            if (auto* failure = std::get_if<Failure>(&called)) co_return std::move(*failure);
            auto& reply = std::get<Reply>(called);
            for (auto& job : jobs_of(reply.value)) found.jobs.push_back(std::move(job));
            found.bodies.push_back(std::move(reply.body));
            const auto* object = reply.value.if_object();
            if (object != nullptr && !options_.batch.empty()) {
                found.total = batch_total(options_.batch, *object);
            }
            cursor = object == nullptr ? std::string()
                                       : find_string(*object, "next_cursor").value_or("");
        } while (!cursor.empty());
        if (!options_.active && found.jobs.empty()) {
            co_return Failure(Exit::not_found,
                              fmt::format("there is no job in the batch \"{}\"", options_.batch),
                              "`reel ls` shows the newest jobs and their batches.");
        }
        seen_ = std::move(found);
        co_return std::nullopt;
    }

    static Failure not_a_job() {
        return {Exit::error, "the daemon's answer is no job", "`reel doctor` compares the versions."};
    }

    Session& session_;
    FollowOptions options_;
    std::shared_ptr<Feed> feed_;
    Followed seen_;
    Millis start_{};
    Millis looked_{};
    bool told_ = false;
};

}  // namespace

Exit outcome_of(const std::vector<json::object>& jobs) {
    const bool failed = std::any_of(jobs.begin(), jobs.end(), [](const json::object& job) {
        const std::string state = member(job, "state");
        return is_over(state) && state != "completed";
    });
    return failed ? Exit::some_failed : Exit::ok;
}

awaitable<FollowEnd> follow(Session& session, FollowOptions options, Show show, bool ticking) {
    Follower follower(session, std::move(options));
    co_return co_await follower.run(std::move(show), ticking);
}

}  // namespace reeld::reel
