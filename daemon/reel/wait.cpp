// wait and watch.
#include <fmt/format.h>

#include <map>
#include <memory>

#include "reel/feed.hpp"
#include "reel/live.hpp"
#include "reel/render_job.hpp"
#include "reel/waiting.hpp"

namespace reeld::reel {
namespace {

FollowOptions follow_options(const Options& options) {
    FollowOptions follow;
    follow.ids = options.ids;
    follow.batch = options.batch;
    follow.any = options.any;
    follow.timeout = options.timeout;
    return follow;
}

void print_last(Session& session, const Followed& last) {
    if (session.options.json) {
        for (const auto& body : last.bodies) session.console.out(body);
        return;
    }
    for (const auto& job : last.jobs) session.console.out(render_outcome(job));
}

Exit finish(Session& session, const FollowEnd& end) {
    if (end.failure) return report(session, *end.failure);
    if (!session.options.json) session.console.err(end.last.total);
    if (end.exit == Exit::timed_out) {
        session.console.err("reel: the time is up; the jobs go on (`reel wait` waits again)\n");
    }
    return end.exit;
}

// Lines for what changed since the last look: for pipes and small terminals.
class ChangeLines {
  public:
    std::string take(const Followed& seen, bool json) {
        std::string text;
        for (std::size_t i = 0; i < seen.jobs.size(); ++i) {
            const auto& job = seen.jobs[i];
            const std::string now = member(job, "state") + " " + member(job, "reason");
            std::string& before = known_[member(job, "id")];
            if (before == now) continue;
            before = now;
            // The answer itself, when it is one job's.
            if (!json) text += render_outcome(job);
            if (json && seen.bodies.size() == seen.jobs.size()) text += seen.bodies[i];
        }
        return text;
    }

    // What goes on within a state: no data for a script, but somebody may be reading along.
    std::string take_progress(const Followed& seen) {
        std::string text;
        for (const auto& job : seen.jobs) {
            if (is_over(member(job, "state"))) continue;
            std::string now = render_progress(job);
            const std::string log = member(job, newest_log);
            if (!log.empty()) now += (now.empty() ? "" : "  ") + log;
            std::string& before = progress_[member(job, "id")];
            if (before == now || now.empty()) continue;
            before = now;
            text += fmt::format("{}: {}\n", member(job, "id"), now);
        }
        return text;
    }

  private:
    std::map<std::string, std::string> known_;
    std::map<std::string, std::string> progress_;
};

awaitable<FollowEnd> follow_live(Session& session, FollowOptions options,
                                 std::function<void(std::string_view)> out,
                                 std::function<Look()> look) {
    Live live(std::move(out));
    const Show show = [&live, &look](const Followed& seen) {
        live.draw(render_live(seen.jobs, look()));
    };
    FollowEnd end = co_await follow(session, std::move(options), show, true);
    live.clear();
    co_return end;
}

awaitable<FollowEnd> follow_lines(Session& session, FollowOptions options) {
    ChangeLines lines;
    const Show show = [&lines, &session](const Followed& seen) {
        const std::string text = lines.take(seen, session.options.json);
        if (!text.empty()) session.console.out(text);
        const std::string progress = lines.take_progress(seen);
        if (!progress.empty()) session.console.err(progress);
    };
    co_return co_await follow(session, std::move(options), show, false);
}

std::string event_line(const SseEvent& event) {
    const auto data = parse_json(event.data);
    const auto* object = data ? data->if_object() : nullptr;
    if (object == nullptr) return {};
    return tabbed({member(*object, "at"), member(*object, "job"), member(*object, "from"),
                   member(*object, "to"), member(*object, "reason"), member(*object, "note")});
}

// Every change of every job, for ever: a log that can be piped.
awaitable<Exit> stream_events(Session& session) {
    const Called reached = co_await call(session, "GET", "/v1/status");
    if (const auto* failure = std::get_if<Failure>(&reached)) co_return report(session, *failure);
    auto feed = std::make_shared<Feed>(session.tasks.executor());
    feed->keep_events = true;
    session.tasks.spawn("event stream", read_feed(session, feed));
    const Millis start = session.clock.monotonic();
    const Millis longest{60'000};
    while (true) {
        for (const auto& event : std::exchange(feed->events, {})) {
            session.console.out(session.options.json ? event.data + "\n" : event_line(event));
        }
        Millis rest = longest;
        if (session.options.timeout) {
            rest = *session.options.timeout - (session.clock.monotonic() - start);
        }
        if (rest <= Millis{0}) co_return Exit::timed_out;
        co_await feed->bell.wait_for(session.clock, std::min(rest, longest));
    }
}

}  // namespace

awaitable<Exit> wait_and_print(Session& session, FollowOptions options) {
    FollowEnd end;
    if (can_redraw(session.console.look_err()) && !session.options.json) {
        end = co_await follow_live(session, std::move(options), session.console.err,
                                   session.console.look_err);
    } else {
        const Show nothing = [](const Followed&) {};
        end = co_await follow(session, std::move(options), nothing, false);
    }
    if (!end.failure) print_last(session, end.last);
    co_return finish(session, end);
}

awaitable<Exit> run_wait(Session& session) {
    FollowOptions options = follow_options(session.options);
    co_return co_await wait_and_print(session, std::move(options));
}

awaitable<Exit> run_watch(Session& session) {
    FollowOptions options = follow_options(session.options);
    options.active = options.ids.empty() && options.batch.empty();
    const bool live = can_redraw(session.console.look_out()) && !session.options.json;
    if (options.active && !live) co_return co_await stream_events(session);
    FollowEnd end;
    if (live) {
        end = co_await follow_live(session, std::move(options), session.console.out,
                                   session.console.look_out);
        if (!end.failure) session.console.out(render_list(end.last.jobs, session.console.look_out()));
    } else {
        end = co_await follow_lines(session, std::move(options));
    }
    co_return finish(session, end);
}

}  // namespace reeld::reel
