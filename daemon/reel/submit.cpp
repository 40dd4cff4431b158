// submit: one job from the command line.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "reel/pairs.hpp"
#include "reel/render_job.hpp"
#include "reel/waiting.hpp"

namespace reeld::reel {
namespace {

Result<json::object> read_input(const Session& session) {
    json::object input;
    if (!session.options.input_file.empty()) {
        const auto text = session.read_file(session.options.input_file);
        if (!text) return text.error();
        const auto parsed = parse_json(*text);
        if (!parsed) {
            return Error(ErrorCode::invalid,
                         session.options.input_file + ": " + parsed.error().context());
        }
        if (!parsed->is_object()) {
            return Error(ErrorCode::invalid,
                         session.options.input_file + ": the input has to be a JSON object");
        }
        input = parsed->get_object();
    }
    return add_pairs(std::move(input), session.options.pairs, session.read_file);
}

Status add_times(json::object& job, const Session& session) {
    const Instant now = session.clock.now();
    if (!session.options.not_before.empty()) {
        const auto at = read_when(session.options.not_before, now);
        if (!at) return at.error();
        job["not_before"] = to_rfc3339(*at);
    }
    if (!session.options.deadline.empty()) {
        const auto at = read_when(session.options.deadline, now);
        if (!at) return at.error();
        job["deadline"] = to_rfc3339(*at);
    }
    return ok();
}

// What was not given is left out, so that the daemon's defaults hold.
Result<json::object> make_job(const Session& session) {
    const Options& options = session.options;
    auto input = read_input(session);
    if (!input) return input.error();
    json::object job;
    job["model"] = options.model;
    job["input"] = std::move(*input);
    if (!options.id.empty()) job["id"] = options.id;
    if (!options.batch.empty()) job["batch"] = options.batch;
    if (options.priority) job["priority"] = *options.priority;
    if (options.max_attempts) job["max_attempts"] = *options.max_attempts;
    if (!options.output.empty()) job["output"] = options.output;
    if (!options.labels.empty()) {
        auto labels = read_labels(options.labels);
        if (!labels) return labels.error();
        job["labels"] = std::move(*labels);
    }
    const Status times = add_times(job, session);
    if (!times) return times.error();
    return job;
}

void print_submitted(Session& session, const Reply& reply, const json::object& job) {
    if (session.options.json) {
        session.console.out(reply.body);
        return;
    }
    session.console.out(member(job, "id") + "\n");
    const Look look = session.console.look_err();
    if (!look.terminal) return;
    const std::string state = member(job, "state");
    const std::string reason =
        reply.status == 200 ? "it was there already" : member(job, "reason");
    session.console.err(fmt::format("{}{}; next: reel watch {}\n",
                                    paint(state_symbol(state) + " " + state, state_colour(state),
                                          look),
                                    reason.empty() ? "" : " (" + reason + ")", member(job, "id")));
}

}  // namespace

awaitable<Exit> run_submit(Session& session) {
    const auto job = make_job(session);
    if (!job) {
        const Failure failure(Exit::usage, job.error().message(),
                              "`reel submit --help` shows how input is written.");
        co_return report(session, failure);
    }
    const Called called = co_await call(session, "POST", "/v1/jobs", json::serialize(*job));
    if (const auto* failure = std::get_if<Failure>(&called)) co_return report(session, *failure);
    const auto& reply = std::get<Reply>(called);
    if (!reply.value.is_object()) {
        const Failure failure(Exit::error, "the daemon's answer is no job",
                              "`reel doctor` compares the versions.");
        co_return report(session, failure);
    }
    if (!session.options.wait) {
        print_submitted(session, reply, reply.value.get_object());
        co_return Exit::ok;
    }
    FollowOptions follow;
    follow.ids = {member(reply.value.get_object(), "id")};
    follow.timeout = session.options.timeout;
    // Known before the wait, so that an interrupted one can be taken up again.
    session.console.err("submitted " + follow.ids.front() + "\n");
    co_return co_await wait_and_print(session, std::move(follow));
}

}  // namespace reeld::reel
