// doctor: looks, then lets diagnosis.cpp conclude.
#include <boost/json/serialize.hpp>

#include "reel/diagnosis.hpp"
#include "reel/render_job.hpp"
#include "reel/session.hpp"

namespace reeld::reel {
namespace {

// One GET from here: it goes out and comes back in through the name that providers call.
awaitable<Probe> probe(Session& session, std::string url) {
    HttpRequest request;
    request.url = std::move(url);
    http::RequestOptions options;
    options.total_timeout = Millis{15'000};
    const Exchange exchange =
        co_await session.client.send(std::move(request), std::move(options));
    Probe result;
    result.answered = exchange.delivery == Delivery::answered;
    result.status = exchange.response.status;
    result.error = exchange.error.message();
    co_return result;
}

std::string public_url(const json::object& status) {
    const auto* webhook = find_object(status, "webhook");
    return webhook == nullptr ? std::string() : find_string(*webhook, "public_url").value_or("");
}

awaitable<Observation> look(Session& session) {
    Observation seen;
    seen.socket = session.socket;
    seen.version = session.version;
    seen.socket_exists = session.files.exists(session.socket);
    Called called = co_await call(session, "GET", "/v1/status");
    seen.now = session.clock.now();
    if (auto* failure = std::get_if<Failure>(&called)) {
        seen.failure = std::move(*failure);
        co_return seen;
    }
    const auto& reply = std::get<Reply>(called);
    seen.date = reply.date;
    if (reply.value.is_object()) seen.status = reply.value.get_object();
    const std::string url = public_url(seen.status);
    if (is_public_url(url)) {
        Probe result = co_await probe(session, url);
        seen.webhook = std::move(result);
    }
    co_return seen;
}

}  // namespace

awaitable<Exit> run_doctor(Session& session) {
    const Observation seen = co_await look(session);
    const auto findings = diagnose(seen);
    session.console.out(session.options.json
                            ? json::serialize(findings_json(findings)) + "\n"
                            : render_findings(findings, session.console.look_out()));
    co_return exit_of(findings);
}

}  // namespace reeld::reel
