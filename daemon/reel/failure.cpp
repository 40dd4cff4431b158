#include "reel/failure.hpp"

#include <fmt/format.h>

#include "reel/text.hpp"

namespace reeld::reel {
namespace {

constexpr std::size_t errors_shown = 10;

std::string hint_of(std::string_view code) {
    if (code == "not_found") return "`reel ls` shows the newest jobs.";
    if (code == "conflict") return "`reel show ID` and `reel events ID` tell how it came there.";
    if (code == "backup_running") return "`reel status` shows how far it is.";
    if (code == "disk_full") return "Make room where reeld keeps its state and outputs.";
    if (code == "busy" || code == "stopping") return "Try again in a moment.";
    if (code == "internal") return "`journalctl -u reeld` tells more.";
    if (code == "no_such_route") return "reel and reeld may be of different versions: `reel doctor`.";
    if (code == "credentials") return "`reel status` shows which provider's key is missing.";
    return {};
}

std::string candidates_of(const json::object& problem) {
    const auto* candidates = find_array(problem, "candidates");
    if (candidates == nullptr) return {};
    std::string text;
    for (const auto& one : *candidates) {
        if (!one.is_string()) continue;
        text += text.empty() ? "It may be " : ", ";
        text += clean(std::string_view(one.get_string()));
    }
    return text;
}

// One line for each field that was refused; the first ones are enough to act on.
std::string errors_of(const json::object& problem) {
    const auto* errors = find_array(problem, "errors");
    if (errors == nullptr) return {};
    std::string text;
    std::size_t shown = 0;
    for (const auto& one : *errors) {
        const auto* error = one.if_object();
        if (error == nullptr) continue;
        if (shown++ == errors_shown) {
            text += fmt::format("\n  … and {} more", errors->size() - errors_shown);
            break;
        }
        const std::string field = clean(find_string(*error, "field").value_or(""));
        text += fmt::format("\n  {}{}{}", field, field.empty() ? "" : ": ",
                            clean(find_string(*error, "message").value_or("")));
    }
    return text;
}

Failure unreachable(std::string message, std::string hint) {
    Failure failure(Exit::unreachable, std::move(message), std::move(hint));
    failure.temporary = true;
    return failure;
}

}  // namespace

Exit exit_of_code(std::string_view code, int status) {
    if (code == "not_found") return Exit::not_found;
    if (code == "conflict" || code == "ambiguous" || code == "retired" || code == "file_exists" ||
        code == "backup_running") {
        return Exit::conflict;
    }
    if (code == "credentials") return Exit::credentials;
    if (code == "budget") return Exit::budget;
    if (code == "provider_unavailable") return Exit::provider_unavailable;
    if (code == "disk_full" || code == "disk") return Exit::disk;
    if (code == "no_such_route" || code == "method_not_allowed") return Exit::error;
    // The request itself has to be written differently.
    if (status == 400 || status == 413 || status == 415 || status == 422) return Exit::usage;
    if (status == 507) return Exit::disk;
    return Exit::error;
}

Failure failure_of_answer(int status, const std::string& body) {
    const auto parsed = parse_json(body);
    const auto* problem = parsed ? parsed->if_object() : nullptr;
    if (problem == nullptr) {
        return {Exit::error, fmt::format("the daemon answered with status {}", status),
                "Does another program listen on this socket?", body};
    }
    const std::string code = find_string(*problem, "code").value_or("");
    const std::string detail =
        clean(find_string(*problem, "detail").value_or(fmt::format("status {}", status)));
    std::string hint = candidates_of(*problem);
    if (hint.empty()) hint = hint_of(code);
    Failure failure(exit_of_code(code, status), detail + errors_of(*problem), std::move(hint), body);
    failure.temporary = status == 503;
    return failure;
}


Failure failure_of_exchange(const Exchange& exchange, const std::string& socket) {
    const auto& cause = exchange.error.cause();
    if (exchange.delivery != Delivery::not_sent) {
        return unreachable(fmt::format("the daemon at {} ended the exchange: {}", socket,
                                       exchange.error.message()),
                           "It may be stopping; try again, then look at `systemctl status reeld`.");
    }
    if (cause == boost::system::errc::permission_denied) {
        return unreachable(fmt::format("no permission for the socket {}", socket),
                           "Join its group (`ls -l` shows it) or run this with sudo.");
    }
    return unreachable(fmt::format("the daemon is not reachable at {}", socket),
                       "Start it (`systemctl start reeld`), or name its socket with --socket PATH "
                       "or REELD_SOCKET.");
}

std::string failure_text(const Failure& failure) {
    std::string text = fmt::format("reel: {}\n", failure.message);
    if (!failure.hint.empty()) text += fmt::format("  {}\n", failure.hint);
    return text;
}

}  // namespace reeld::reel
