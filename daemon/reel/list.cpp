// ls, show, events, logs, the four actions on jobs, and adopt.
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "reel/render_job.hpp"
#include "reel/render_money.hpp"
#include "reel/session.hpp"

namespace reeld::reel {
namespace {

std::string list_query(const Options& options, const std::string& states,
                       const std::string& cursor) {
    std::vector<std::pair<std::string, std::string>> members{
        {"state", states}, {"batch", options.batch}, {"model", options.model}};
    for (const auto& label : options.labels) {
        const auto at = label.find('=');
        members.emplace_back("label." + label.substr(0, at), label.substr(at + 1));
    }
    if (options.all) members.emplace_back("limit", "500");
    if (options.limit) members.emplace_back("limit", fmt::format("{}", *options.limit));
    members.emplace_back("cursor", cursor);
    return query_text(members);
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) {
        if (!text.empty()) text.push_back(',');
        text += word;
    }
    return text;
}

std::string next_cursor(const json::value& answer) {
    const auto* object = answer.if_object();
    return object == nullptr ? std::string()
                             : find_string(*object, "next_cursor").value_or("");
}

void print_list(Session& session, const std::vector<json::object>& jobs, bool more) {
    const Look look = session.console.look_out();
    if (jobs.empty()) {
        session.console.err("No job matches.\n");
        return;
    }
    session.console.out(render_list(jobs, look));
    if (more) session.console.err("There are more: --limit N or --all.\n");
}

// Prints what a GET of each id answers; goes on after a failure and ends in the first one's code.
template <class Render>
awaitable<Exit> show_each(Session& session, std::string rest, Render render) {
    Exit exit = Exit::ok;
    bool first = true;
    for (const std::string& id : session.options.ids) {
        const Called called = co_await call(session, "GET", job_target(id, rest));
        if (const auto* failure = std::get_if<Failure>(&called)) {
            const Exit code = report(session, *failure);
            if (exit == Exit::ok) exit = code;
            continue;
        }
        const auto& reply = std::get<Reply>(called);
        const Look look = session.console.look_out();
        if (!first && !session.options.json) session.console.out("\n");
        first = false;
        session.console.out(session.options.json ? reply.body : render(reply.value, look));
    }
    co_return exit;
}

std::string job_text(const json::value& value, const Look& look) {
    return value.is_object() ? render_job(value.get_object(), look) : std::string();
}

std::string events_text(const json::value& value, const Look& look) {
    const auto* object = value.if_object();
    const auto* events = object == nullptr ? nullptr : find_array(*object, "events");
    return events == nullptr ? std::string() : render_events(*events, look);
}

std::string logs_text(const json::value& value, const Look& look) {
    const auto* object = value.if_object();
    const auto* logs = object == nullptr ? nullptr : find_array(*object, "logs");
    return logs == nullptr ? std::string() : render_logs(*logs, look);
}

std::string action_text(const json::object& job, const Look& look) {
    if (!look.terminal) return render_outcome(job);
    const std::string state = member(job, "state");
    const std::string reason = member(job, "reason");
    return fmt::format("{}  {}{}\n", paint(state_symbol(state) + " " + state, state_colour(state), look),
                       member(job, "id"), reason.empty() ? "" : "  " + reason);
}

}  // namespace

awaitable<Exit> run_list(Session& session) {
    for (const auto& label : session.options.labels) {
        if (label.find('=') == std::string::npos || label.front() == '=') {
            const Failure failure(Exit::usage, "--label " + label + ": write it as k=v");
            co_return report(session, failure);
        }
    }
    std::vector<json::object> jobs;
    std::string cursor;
    std::string total;
    do {
        const std::string query =
            list_query(session.options, joined(session.options.states), cursor);
        const Called called = co_await call(session, "GET", "/v1/jobs" + query);
        if (const auto* failure = std::get_if<Failure>(&called)) {
            co_return report(session, *failure);
        }
        const auto& reply = std::get<Reply>(called);
        cursor = next_cursor(reply.value);
        if (reply.value.is_object() && !session.options.batch.empty()) {
            total = batch_total(session.options.batch, reply.value.get_object());
        }
        if (session.options.json) session.console.out(reply.body);
        for (auto& job : jobs_of(reply.value)) jobs.push_back(std::move(job));
    } while (session.options.all && !cursor.empty());
    if (!session.options.json) print_list(session, jobs, !cursor.empty());
    if (!session.options.json) session.console.err(total);
    co_return Exit::ok;
}

awaitable<Exit> run_show(Session& session) { return show_each(session, "", &job_text); }

awaitable<Exit> run_events(Session& session) {
    return show_each(session, "/events", &events_text);
}

awaitable<Exit> run_logs(Session& session) { return show_each(session, "/logs", &logs_text); }

awaitable<Exit> run_action(Session& session, std::string action) {
    Exit exit = Exit::ok;
    for (const std::string& id : session.options.ids) {
        const Called called = co_await call(session, "POST", job_target(id, "/" + action));
        if (const auto* failure = std::get_if<Failure>(&called)) {
            const Exit code = report(session, *failure);
            if (exit == Exit::ok) exit = code;
            continue;
        }
        const auto& reply = std::get<Reply>(called);
        const Look look = session.console.look_out();
        if (session.options.json) {
            session.console.out(reply.body);
        } else if (reply.value.is_object()) {
            session.console.out(action_text(reply.value.get_object(), look));
        }
    }
    co_return exit;
}

awaitable<Exit> run_adopt(Session& session) {
    json::object body;
    body["request_id"] = session.options.request_id;
    const Called called =
        co_await call(session, "POST", job_target(session.options.ids.front(), "/adopt"),
                      json::serialize(body));
    if (const auto* failure = std::get_if<Failure>(&called)) co_return report(session, *failure);
    const auto& reply = std::get<Reply>(called);
    const Look look = session.console.look_out();
    if (session.options.json) {
        session.console.out(reply.body);
    } else if (reply.value.is_object()) {
        session.console.out(action_text(reply.value.get_object(), look));
    }
    co_return Exit::ok;
}

}  // namespace reeld::reel
