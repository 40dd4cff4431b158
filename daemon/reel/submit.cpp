// submit: one job from the command line.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include <algorithm>

#include "reel/local_files.hpp"
#include "reel/pairs.hpp"
#include "reel/render_job.hpp"
#include "reel/render_models.hpp"
#include "reel/waiting.hpp"

namespace reeld::reel {
namespace {

// A word key=value needs the schema to get its type.
bool needs_schema(const Session& session) {
    const auto& words = session.options.pairs;
    return std::any_of(words.begin(), words.end(), [](const std::string& word) {
        const auto at = word.find('=');
        return at != std::string::npos && at > 0 && word[at - 1] != ':';
    });
}

// The schema of the model's input; empty when the daemon does not know it, or does not answer: then
// the submit itself tells why.
awaitable<json::object> fetch_schema(Session& session) {
    const Called called = co_await call(session, "GET", model_target(session.options.model));
    const auto* reply = std::get_if<Reply>(&called);
    const auto* model = reply == nullptr ? nullptr : reply->value.if_object();
    const auto* schema = model == nullptr ? nullptr : find_object(*model, "input");
    co_return schema == nullptr ? json::object() : *schema;
}

Result<json::object> read_input(const Session& session, const json::object& schema) {
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
    return add_pairs(std::move(input), session.options.pairs, session.read_file, schema);
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
Result<json::object> make_job(const Session& session, const json::object& schema) {
    const Options& options = session.options;
    auto input = read_input(session, schema);
    if (!input) return input.error();
    json::object job;
    job["model"] = options.model;
    job["input"] = std::move(*input);
    if (!options.id.empty()) job["id"] = options.id;
    if (!options.batch.empty()) job["batch"] = options.batch;
    if (options.priority) job["priority"] = *options.priority;
    if (options.max_attempts) job["max_attempts"] = *options.max_attempts;
    if (!options.output.empty()) job["output"] = options.output;
    if (options.unchecked) job["unchecked"] = true;
    if (options.no_reuse) job["reuse_uploads"] = false;
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

void print_dry_run(Session& session, const Reply& reply) {
    if (session.options.json) {
        session.console.out(reply.body);
        return;
    }
    session.console.out(render_dry_run(reply.value.get_object(), session.console.look_out()));
    session.console.err("Nothing was submitted.\n");
}

// What the model takes, from the daemon; without it what submit takes.
awaitable<Exit> show_help(Session& session) {
    const Called called = co_await call(session, "GET", model_target(session.options.model));
    const auto* reply = std::get_if<Reply>(&called);
    if (reply == nullptr || !reply->value.is_object()) {
        session.console.out(session.options.help);
        const auto* failure = std::get_if<Failure>(&called);
        if (failure != nullptr) session.console.err("\n" + failure_text(*failure));
        co_return Exit::ok;
    }
    if (session.options.json) {
        session.console.out(reply->body);
        co_return Exit::ok;
    }
    session.console.out(render_model(reply->value.get_object(), session.console.look_out()));
    session.console.err("`reel submit --help` tells the options.\n");
    co_return Exit::ok;
}

}  // namespace

// Local files: a dry run is told of them, for a submit they are sent.
awaitable<std::optional<Failure>> hand_over(Session& session, json::object& job,
                                            json::object schema) {
    const json::value& input = job["input"];
    auto files = find_local_files(session, input.get_object(), schema);
    if (!files) {
        co_return Failure(Exit::usage, files.error().message(),
                          "Paths count from this folder; http://, https:// and data: are URLs.");
    }
    if (files->empty()) co_return std::nullopt;
    if (!session.options.dry_run) co_return co_await send_files(session, job, std::move(*files));
    const Status told = tell_files(session, job, std::move(*files));
    if (told) co_return std::nullopt;
    co_return Failure(Exit::error, told.error().message());
}

awaitable<Exit> run_submit(Session& session) {
    if (!session.options.help.empty()) co_return co_await show_help(session);
    json::object schema;
    if (needs_schema(session)) schema = co_await fetch_schema(session);
    auto job = make_job(session, schema);
    if (!job) {
        const Failure failure(Exit::usage, job.error().message(),
                              "`reel submit --help` shows how input is written.");
        co_return report(session, failure);
    }
    if (!needs_schema(session) && may_name_files((*job)["input"])) {
        schema = co_await fetch_schema(session);
    }
    const auto unsent = co_await hand_over(session, *job, std::move(schema));
    if (unsent) co_return report(session, *unsent);
    const std::string target = session.options.dry_run ? "/v1/jobs?dry_run=true" : "/v1/jobs";
    const Called called = co_await call(session, "POST", target, json::serialize(*job));
    if (const auto* failure = std::get_if<Failure>(&called)) co_return report(session, *failure);
    const auto& reply = std::get<Reply>(called);
    if (!reply.value.is_object()) {
        const Failure failure(Exit::error, "the daemon's answer is no job",
                              "`reel doctor` compares the versions.");
        co_return report(session, failure);
    }
    if (session.options.dry_run) {
        print_dry_run(session, reply);
        co_return Exit::ok;
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
