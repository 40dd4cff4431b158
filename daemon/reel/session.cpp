#include "reel/session.hpp"

#include "base/encoding.hpp"

namespace reeld::reel {

http::RequestOptions socket_options(const Session& session) {
    http::RequestOptions options;
    options.unix_socket = session.socket;
    options.allow_plain_http = true;
    options.allow_private_addresses = true;
    options.body_bytes_max = 256 * 1024 * 1024;
    return options;
}

HttpRequest socket_request(std::string method, std::string target, std::string body) {
    HttpRequest request;
    request.method = std::move(method);
    request.url = "http://reeld" + target;
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    request.body = std::move(body);
    return request;
}

awaitable<Called> call(Session& session, std::string method, std::string target,
                       std::string body) {
    HttpRequest request =
        socket_request(std::move(method), std::move(target), std::move(body));
    http::RequestOptions options = socket_options(session);
    co_return co_await call_with(session, std::move(request), std::move(options));
}

awaitable<Called> call_with(Session& session, HttpRequest request, http::RequestOptions options) {
    const Exchange exchange =
        co_await session.client.send(std::move(request), std::move(options));
    if (exchange.delivery != Delivery::answered || !exchange.response.complete) {
        co_return failure_of_exchange(exchange, session.socket);
    }
    const auto& response = exchange.response;
    if (response.status < 200 || response.status > 299) {
        co_return failure_of_answer(response.status, response.body);
    }
    Reply reply;
    reply.status = response.status;
    reply.body = response.body;
    if (auto parsed = parse_json(response.body)) reply.value = std::move(*parsed);
    if (const auto* date = response.headers.find("Date")) reply.date = *date;
    co_return reply;
}

Exit report(Session& session, const Failure& failure) {
    if (session.options.json && !failure.body.empty()) session.console.out(failure.body);
    session.console.err(failure_text(failure));
    return failure.exit;
}

awaitable<Exit> run_verb(Session& session) {
    switch (session.options.verb) {
        case Verb::submit: return run_submit(session);
        case Verb::ls: return run_list(session);
        case Verb::show: return run_show(session);
        case Verb::watch: return run_watch(session);
        case Verb::wait: return run_wait(session);
        case Verb::events: return run_events(session);
        case Verb::logs: return run_logs(session);
        case Verb::cancel: return run_action(session, "cancel");
        case Verb::hold: return run_action(session, "hold");
        case Verb::release: return run_action(session, "release");
        case Verb::retry: return run_action(session, "retry");
        case Verb::adopt: return run_adopt(session);
        case Verb::status: return run_status(session);
        case Verb::models: return run_models(session);
        case Verb::doctor: return run_doctor(session);
        case Verb::verify: return run_verify(session);
        case Verb::backup: return run_backup(session);
    }
    return run_status(session);
}

std::string job_target(const std::string& id, std::string_view rest) {
    return "/v1/jobs/" + percent_encode(id) + std::string(rest);
}

std::string model_target(const std::string& id) { return "/v1/models/" + percent_encode(id); }

std::string query_text(const std::vector<std::pair<std::string, std::string>>& members) {
    std::string text;
    for (const auto& [name, value] : members) {
        if (value.empty()) continue;
        text += text.empty() ? '?' : '&';
        text += percent_encode(name) + "=" + percent_encode(value);
    }
    return text;
}

std::vector<json::object> jobs_of(const json::value& answer) {
    std::vector<json::object> jobs;
    const auto* object = answer.if_object();
    const auto* list = object == nullptr ? nullptr : find_array(*object, "jobs");
    if (list == nullptr) return jobs;
    for (const auto& one : *list) {
        if (one.is_object()) jobs.push_back(one.get_object());
    }
    return jobs;
}

}  // namespace reeld::reel
