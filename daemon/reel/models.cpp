// models: what the daemon knows of its providers' endpoints.
#include <fmt/format.h>

#include "reel/render_job.hpp"
#include "reel/render_models.hpp"
#include "reel/session.hpp"

namespace reeld::reel {
namespace {

void tell_mistakes(Session& session, const json::object& answer) {
    const auto* mistakes = find_array(answer, "mistakes");
    if (mistakes == nullptr) return;
    for (const auto& one : *mistakes) {
        if (!one.is_string()) continue;
        session.console.err(fmt::format("not used: {}\n",
                                        clean(std::string_view(one.get_string()))));
    }
}

void print_models(Session& session, const json::object& answer) {
    const auto* models = find_array(answer, "models");
    if (models == nullptr || models->empty()) {
        session.console.err("The daemon knows no model.\n");
        return;
    }
    session.console.out(render_models(*models, session.console.look_out()));
    tell_mistakes(session, answer);
    if (!session.console.look_err().terminal) return;
    session.console.err("~ marks an estimate. `reel models MODEL` tells what one takes; other "
                        "endpoints go with `reel submit --unchecked`.\n");
}

}  // namespace

awaitable<Exit> run_models(Session& session) {
    const bool one = !session.options.model.empty();
    const std::string target = one ? model_target(session.options.model) : "/v1/models";
    const Called called = co_await call(session, "GET", target);
    if (const auto* failure = std::get_if<Failure>(&called)) {
        Failure told = *failure;
        if (told.exit == Exit::not_found) {
            told.hint += told.hint.empty() || told.hint.ends_with('.') ? " " : ". ";
            told.hint += "`reel models` lists all.";
        }
        co_return report(session, told);
    }
    const auto& reply = std::get<Reply>(called);
    if (session.options.json || !reply.value.is_object()) {
        session.console.out(reply.body);
    } else if (one) {
        session.console.out(render_model(reply.value.get_object(), session.console.look_out()));
    } else {
        print_models(session, reply.value.get_object());
    }
    co_return Exit::ok;
}

}  // namespace reeld::reel
