// status.
#include "reel/render_status.hpp"

#include "reel/session.hpp"

namespace reeld::reel {

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

}  // namespace reeld::reel
