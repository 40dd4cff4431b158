#include "providers/eachlabs/failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"
#include "provider_api/shown_text.hpp"

namespace reeld::providers::eachlabs {
namespace {

using domain::Reason;
using domain::Refusal;
using domain::RefusalKind;

enum class Class { input, final, passing, once_more, bounded };

struct Row {
    std::string_view word;
    Class treated;
};

// Of error_code.
constexpr std::array<Row, 10> codes{{{"input_validation_error", Class::input},
                                     {"provider_rejected", Class::input},
                                     {"provider_bad_request", Class::input},
                                     {"input_download_error", Class::input},
                                     {"provider_rate_limit", Class::passing},
                                     {"network_error", Class::passing},
                                     {"provider_server_error", Class::passing},
                                     {"provider_auth_error", Class::final},
                                     // Faults of the platform hide behind these, marked as final.
                                     {"provider_failed", Class::once_more},
                                     {"execution_timeout", Class::once_more}}};

// Of classification.category, where there is no code.
constexpr std::array<Row, 7> categories{{{"validation", Class::input},
                                         {"auth", Class::final},
                                         {"rate_limit", Class::passing},
                                         {"network", Class::passing},
                                         {"timeout", Class::passing},
                                         {"provider", Class::once_more},
                                         {"internal", Class::bounded}}};

constexpr int attempts_once_more = 2;
constexpr int attempts_bounded = 3;

template <std::size_t N>
std::optional<Class> look_up(const std::array<Row, N>& rows, std::string_view word) {
    const auto at =
        std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.word == word; });
    if (at == rows.end()) return std::nullopt;
    return at->treated;
}

struct Envelope {
    std::string code, category, upstream_code, message;  // codes in lower case
    bool retryable = false;
};

std::string lower_member(const json::object& object, std::string_view name) {
    return to_lower(find_string(object, name).value_or(""));
}

// MiniMax gives numbers, others words.
std::string upstream_code(const json::object& output) {
    if (const auto number = find_int(output, "provider_error_code")) return std::to_string(*number);
    return lower_member(output, "provider_error_code");
}

Envelope read_envelope(const json::value& output) {
    Envelope envelope;
    if (output.is_string()) envelope.message = std::string(output.get_string());
    const auto* object = output.if_object();
    if (object == nullptr) return envelope;
    envelope.code = lower_member(*object, "error_code");
    envelope.upstream_code = upstream_code(*object);
    envelope.retryable = find_bool(*object, "retryable").value_or(false);
    if (const auto* classification = find_object(*object, "classification")) {
        envelope.category = lower_member(*classification, "category");
    }
    for (const std::string_view name : {"error_message", "error", "message"}) {
        if (envelope.message.empty()) envelope.message = find_string(*object, name).value_or("");
    }
    return envelope;
}

bool is_moderation(const Envelope& envelope) {
    const auto speaks = [](const std::string& text) {
        return text.find("moderation") != std::string::npos ||
               text.find("content_policy") != std::string::npos;
    };
    return speaks(envelope.code) || speaks(envelope.category) || speaks(envelope.upstream_code) ||
           envelope.upstream_code == "1026" || envelope.upstream_code == "1027";
}

Class class_of(const Envelope& envelope) {
    if (const auto known = look_up(codes, envelope.code)) return *known;
    if (envelope.retryable) return Class::passing;
    const auto by_category = look_up(categories, envelope.category);
    return envelope.code.empty() && by_category ? *by_category : Class::final;
}

void treat(Class treated, Refusal& refusal) {
    refusal.reason = Reason::provider_error;
    switch (treated) {
        case Class::input:
            refusal.kind = RefusalKind::permanent;
            refusal.reason = Reason::invalid_input;
            break;
        case Class::final: refusal.kind = RefusalKind::permanent; break;
        case Class::passing: break;
        case Class::once_more: refusal.attempts_max = attempts_once_more; break;
        case Class::bounded: refusal.attempts_max = attempts_bounded; break;
    }
}

std::string text_of(const json::object& prediction, std::string_view name) {
    const auto* value = find(prediction, name);
    if (value == nullptr || value->is_null()) return {};
    if (value->is_string()) return std::string(value->get_string());
    return json::serialize(*value);
}

}  // namespace

Refusal classify_failure(const json::object& prediction) {
    const auto* output = find(prediction, "output");
    const Envelope envelope = output == nullptr ? Envelope{} : read_envelope(*output);
    Refusal refusal;
    refusal.error.code = as_code(envelope.code);
    if (refusal.error.code.empty()) refusal.error.code = as_code(envelope.category);
    if (refusal.error.code.empty()) refusal.error.code = "failed";
    std::string message = envelope.message;
    for (const std::string_view name : {"logs", "output"}) {
        if (message.empty()) message = text_of(prediction, name);
    }
    refusal.error.message =
        message.empty() ? "Eachlabs says no more than that it failed" : shown_text(message);
    treat(class_of(envelope), refusal);
    if (is_moderation(envelope)) {
        refusal.kind = RefusalKind::permanent;
        refusal.reason = Reason::content_policy;
        refusal.attempts_max.reset();
    }
    return refusal;
}

Refusal no_output(const json::object& prediction) {
    Refusal refusal;
    refusal.kind = RefusalKind::permanent;
    refusal.reason = Reason::provider_error;
    const std::string output = text_of(prediction, "output");
    refusal.error = {"no_output",
                     output.empty()
                         ? "the prediction succeeded without an output"
                         : shown_text(fmt::format("unrecognised output: {}", output))};
    return refusal;
}

}  // namespace reeld::providers::eachlabs
