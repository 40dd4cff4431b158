// backup: asks for a copy and, on a terminal, shows how far it is.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <filesystem>

#include "reel/render_job.hpp"
#include "reel/session.hpp"

namespace reeld::reel {
namespace {

constexpr Millis between_looks{500};
constexpr Millis a_day{24 * 3'600'000};

std::string progress_of(const json::object& status) {
    const auto* backup = find_object(status, "backup");
    const auto* running = backup == nullptr ? nullptr : find_object(*backup, "running");
    if (running == nullptr) return {};
    const auto total = find_int(*running, "pages_total").value_or(0);
    const auto done = find_int(*running, "pages_done").value_or(0);
    return fmt::format("\r{} {} %", member(*running, "phase"), total > 0 ? done * 100 / total : 0);
}

// Ends with the verb: the caller's TaskGroup is stopped then.
awaitable<void> show_progress(Session& session) {
    for (;;) {
        co_await session.clock.sleep_for(between_looks);
        const Called called = co_await call(session, "GET", "/v1/status");
        const auto* reply = std::get_if<Reply>(&called);
        if (reply == nullptr || !reply->value.is_object()) continue;
        const std::string text = progress_of(reply->value.get_object());
        if (!text.empty()) session.console.err(text);
    }
}

std::string in_words(const json::object& done) {
    std::string text = fmt::format(
        "{}: {} jobs, {} events, {}, sha256 {}\n", member(done, "path"),
        find_int(done, "jobs").value_or(0), find_int(done, "events").value_or(0),
        format_size(static_cast<std::uint64_t>(find_int(done, "bytes").value_or(0))),
        member(done, "sha256"));
    const std::string inbox = member(done, "inbox_path");
    if (!inbox.empty()) {
        text += fmt::format("{}: {} rows of the inbox\n", inbox,
                            find_int(done, "inbox_rows").value_or(0));
    }
    return text;
}

std::string in_columns(const json::object& done) {
    return tabbed({member(done, "path"), fmt::format("{}", find_int(done, "bytes").value_or(0)),
                   fmt::format("{}", find_int(done, "jobs").value_or(0)),
                   fmt::format("{}", find_int(done, "events").value_or(0)),
                   member(done, "sha256"), member(done, "inbox_path")});
}

}  // namespace

awaitable<Exit> run_backup(Session& session) {
    // The daemon stands in another folder.
    std::error_code failure;
    const auto path = std::filesystem::absolute(session.options.file, failure).lexically_normal();
    json::object wanted;
    wanted["path"] = failure ? session.options.file : path.string();
    const bool terminal = session.console.look_err().terminal;
    if (terminal) session.tasks.spawn("progress", show_progress(session));
    http::RequestOptions options = socket_options(session);
    // A large database takes its time, and nothing moves meanwhile.
    options.step_timeout = a_day;
    options.total_timeout = a_day;
    HttpRequest request = socket_request("POST", "/v1/backup", json::serialize(wanted));
    const Called called = co_await call_with(session, std::move(request), std::move(options));
    if (terminal) session.console.err("\r\x1b[K");
    if (const auto* failed = std::get_if<Failure>(&called)) co_return report(session, *failed);
    const auto& reply = std::get<Reply>(called);
    if (session.options.json || !reply.value.is_object()) {
        session.console.out(reply.body);
    } else if (session.console.look_out().terminal) {
        session.console.out(in_words(reply.value.get_object()));
    } else {
        session.console.out(in_columns(reply.value.get_object()));
    }
    co_return Exit::ok;
}

}  // namespace reeld::reel
