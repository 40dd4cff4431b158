#include "reel/render_undecided.hpp"

#include <fmt/format.h>

#include "reel/render_job.hpp"

namespace reeld::reel {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

std::string when(std::string_view text, const Look& look) {
    const auto at = parse_rfc3339(text);
    return at && look.terminal ? fmt::format("{} ({})", text, relative(*at, look.now))
                               : std::string(text);
}

std::string counted(std::int64_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string answer_line(const json::object& unknown) {
    const std::string answer = member(unknown, "answer");
    const std::string detail = member(unknown, "answer_detail");
    const std::string more = detail.empty() ? "" : " (" + detail + ")";
    if (answer == "accepted") return "accepted, but now the provider does not know the request" + more;
    return "none that can be used: " + answer + more;
}

std::string webhook_line(const json::object& unknown) {
    const auto count = find_int(unknown, "webhooks").value_or(0);
    if (count > 0) return counted(count, "delivery", "deliveries") + ", none of them proof";
    return find_bool(unknown, "webhook").value_or(false) ? "none yet" : "not configured: polling only";
}

std::string history_line(const json::object& unknown, const Look& look) {
    const auto searches = find_int(unknown, "searches").value_or(0);
    if (searches == 0) return "not searched yet";
    return fmt::format("searched {}, last {}, {}: {}", counted(searches, "time", "times"),
                       when(member(unknown, "last_search_at"), look),
                       counted(find_int(unknown, "pages").value_or(0), "page", "pages"),
                       member(unknown, "last_search"));
}

std::string next_line(const json::object& job, const json::object& unknown, const Look& look) {
    const std::string reason = member(job, "reason");
    if (member(job, "state") == "submit_unknown") {
        const std::string until = when(member(unknown, "until"), look);
        if (member(unknown, "policy") == "resubmit") {
            return fmt::format(
                "the search goes on until {}; then it is submitted again if nothing was found, "
                "else you decide",
                until);
        }
        return fmt::format("the search goes on until {}; then you decide", until);
    }
    if (reason == "remote_missing") {
        return "nothing, unless a webhook tells of the request; you decide";
    }
    return "the history is searched every hour and a webhook is still believed; it is not sent "
           "again; you decide";
}

void add_candidates(Lines& lines, const json::object& unknown, const Look& look) {
    const auto* candidates = find_array(unknown, "candidates");
    if (candidates == nullptr) return;
    for (const auto& one : *candidates) {
        const auto* item = one.if_object();
        if (item == nullptr) continue;
        const std::string sent = member(*item, "sent_at");
        lines.emplace_back("candidate", fmt::format("{}{}", member(*item, "request_id"),
                                                    sent.empty() ? "" : ", sent " + when(sent, look)));
    }
}

void add_choices(Lines& lines, const json::object& job, const json::object& unknown) {
    const std::string id = member(job, "id");
    const bool held = member(job, "state") == "held";
    const auto paid = find_int(unknown, "paid_at_most").value_or(1);
    const auto most = find_int(unknown, "max_attempts").value_or(paid);
    lines.emplace_back("choice", "wait: costs nothing; what turns up is followed");
    lines.emplace_back("choice", fmt::format("reel adopt {} REQUEST_ID: follow a request that you "
                                             "know from the provider's pages; costs nothing more",
                                             id));
    if (held) {
        lines.emplace_back(
            "choice",
            fmt::format("reel release {}: submit again; {} may be billed already, then up to {} "
                        "({} allowed by max_attempts)",
                        id, paid, paid + 1, most));
    }
    lines.emplace_back(
        "choice", fmt::format("reel cancel {}: {}; pays at most the {} sent already", id,
                              held ? "give up" : "cancel it as soon as it is found, else give up",
                              paid));
}

void add_also_billed(Lines& lines, const json::object& job, const Look& look) {
    const auto* list = find_array(job, "also_billed");
    if (list == nullptr) return;
    for (const auto& one : *list) {
        const auto* item = one.if_object();
        if (item == nullptr) continue;
        const std::string outcome = member(*item, "outcome");
        const std::string request = member(*item, "request_id");
        const std::string verdict = outcome == "also_billed" ? "exists at the provider: also billed"
                                    : outcome == "missing"   ? "vanished at the provider: may be billed"
                                                             : "outcome unknown: may be billed as well";
        lines.emplace_back(
            "also billed",
            fmt::format("attempt {}, sent {}{}, {}", find_int(*item, "attempt").value_or(0),
                        when(member(*item, "sent_at"), look),
                        request.empty() ? "" : ", request " + request, verdict));
    }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> undecided_lines(const json::object& job,
                                                                 const Look& look) {
    Lines lines;
    if (const auto* unknown = find_object(job, "unknown")) {
        lines.emplace_back("sent", fmt::format("attempt {}, {}, to {}",
                                               find_int(*unknown, "attempt").value_or(0),
                                               when(member(*unknown, "sent_at"), look),
                                               member(job, "model")));
        lines.emplace_back("answer", answer_line(*unknown));
        lines.emplace_back("webhook", webhook_line(*unknown));
        lines.emplace_back("history", history_line(*unknown, look));
        add_candidates(lines, *unknown, look);
        lines.emplace_back("next", next_line(job, *unknown, look));
        add_choices(lines, job, *unknown);
    }
    add_also_billed(lines, job, look);
    return lines;
}

}  // namespace reeld::reel
