#pragma once
// What a reader made of an answer, as a flat JSON object that a fixture can name in parts.
#include <string>
#include <variant>

#include "base/json.hpp"
#include "domain/event.hpp"

namespace reeld::conformance {

inline std::string_view name_of(domain::RefusalKind kind) {
    switch (kind) {
        case domain::RefusalKind::retry:
            return "retry";
        case domain::RefusalKind::rate_limited:
            return "rate_limited";
        case domain::RefusalKind::permanent:
            return "permanent";
        case domain::RefusalKind::credentials:
            return "credentials";
        case domain::RefusalKind::account:
            return "account";
    }
    return "";
}

inline void put(json::object& into, const domain::Refusal& refusal) {
    into["kind"] = name_of(refusal.kind);
    into["reason"] = domain::to_string(refusal.reason);
    into["code"] = refusal.error.code;
    into["message"] = refusal.error.message;
    if (refusal.retry_after) into["retry_after_ms"] = refusal.retry_after->count();
    if (refusal.attempts_max) into["attempts_max"] = *refusal.attempts_max;
}

inline void put(json::object& into, const domain::Remote& remote) {
    into["request_id"] = remote.request_id.str();
    into["status_url"] = remote.status_url;
    into["response_url"] = remote.response_url;
    into["cancel_url"] = remote.cancel_url;
}

// One overload for every event that a reader may make; the last takes those without fields.
struct FieldsOf {
    json::object& into;

    void operator()(const domain::event::SubmitAccepted& e) const {
        put(into, e.remote);
        if (e.queue_position) into["queue_position"] = *e.queue_position;
    }
    void operator()(const domain::event::SubmitRefused& e) const { put(into, e.refusal); }
    void operator()(const domain::event::SubmitNotSent& e) const { into["code"] = e.error.code; }
    void operator()(const domain::event::SubmitUnknown& e) const {
        into["reason"] = domain::to_string(e.reason);
        into["code"] = e.error.code;
        into["hint"] = e.hint ? e.hint->request_id.str() : "";
    }
    void operator()(const domain::event::StatusSeen& e) const {
        using domain::event::RemotePhase;
        into["phase"] = e.phase == RemotePhase::queued    ? "queued"
                        : e.phase == RemotePhase::running ? "running"
                                                          : "ended";
        if (e.queue_position) into["queue_position"] = *e.queue_position;
    }
    void operator()(const domain::event::PollFailed& e) const { put(into, e.refusal); }
    void operator()(const domain::event::ResultFailed& e) const {
        put(into, e.refusal);
        if (e.cost_micro_usd) into["cost_micro_usd"] = *e.cost_micro_usd;
    }
    void operator()(const domain::event::ResultSeen& e) const {
        json::array urls;
        for (const auto& output : e.outputs)
            urls.emplace_back(output.url);
        into["urls"] = std::move(urls);
        if (e.cost_micro_usd) into["cost_micro_usd"] = *e.cost_micro_usd;
        if (!e.values.empty()) into["values"] = e.values;
        if (!e.contents.empty()) into["inlined"] = e.contents.size();
    }
    void operator()(const domain::event::CancelAnswered& e) const { into["accepted"] = e.accepted; }
    template <class Other>
    void operator()(const Other&) const {}
};

inline json::object fields_of(const domain::Event& event) {
    json::object fields;
    fields["event"] = domain::name_of(event);
    std::visit(FieldsOf{fields}, event);
    return fields;
}

}  // namespace reeld::conformance
