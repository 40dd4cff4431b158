// status and models.
#include "reel/render_status.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "reel/render_job.hpp"
#include "reel/session.hpp"

namespace reeld::reel {
namespace {

void print_models(Session& session, const json::value& answer) {
    json::array jobs;
    for (auto& job : jobs_of(answer)) jobs.push_back(std::move(job));
    if (jobs.empty()) {
        session.console.err("No job was submitted yet. reeld takes any endpoint id of its "
                            "providers, as fal-ai/… or eachlabs/…; their sites list them.\n");
        return;
    }
    session.console.out(render_models(jobs, session.console.look_out()));
    session.console.err("These are the models of the newest jobs; reeld takes any endpoint id of "
                        "its providers (`reel status`).\n");
}

void print_model(Session& session, const json::value& answer) {
    const auto jobs = jobs_of(answer);
    const auto* input = jobs.empty() ? nullptr : find_object(jobs.front(), "input");
    if (input == nullptr) {
        session.console.err(fmt::format("No job used {} yet; its provider's site tells its "
                                        "input.\n",
                                        clean(session.options.model)));
        return;
    }
    session.console.out(clean(json::serialize(*input)) + "\n");
    session.console.err(fmt::format("This is the input of its newest job, {}.\n",
                                    member(jobs.front(), "id")));
}

}  // namespace

awaitable<Exit> run_status(Session& session) {
    const Called called = co_await call(session, "GET", "/v1/status");
    if (const auto* failure = std::get_if<Failure>(&called)) co_return report(session, *failure);
    const auto& reply = std::get<Reply>(called);
    if (session.options.json || !reply.value.is_object()) {
        session.console.out(reply.body);
    } else {
        session.console.out(
            render_status(reply.value.get_object(), session.console.look_out()));
    }
    co_return Exit::ok;
}

awaitable<Exit> run_models(Session& session) {
    const bool one = !session.options.model.empty();
    const std::vector<std::pair<std::string, std::string>> members{
        {"model", session.options.model}, {"limit", one ? "1" : "500"}};
    const Called called = co_await call(session, "GET", "/v1/jobs" + query_text(members));
    if (const auto* failure = std::get_if<Failure>(&called)) co_return report(session, *failure);
    const auto& reply = std::get<Reply>(called);
    if (session.options.json) {
        session.console.out(reply.body);
    } else if (one) {
        print_model(session, reply.value);
    } else {
        print_models(session, reply.value);
    }
    co_return Exit::ok;
}

}  // namespace reeld::reel
