#include "provider_api/upload.hpp"

#include <algorithm>

#include "provider_api/refusal.hpp"
#include "provider_api/retry_after.hpp"
#include "provider_api/shown_text.hpp"

namespace reeld::provider_api {
namespace {

using domain::Reason;
using domain::RefusalKind;

bool blames_the_file(int status) {
    return status == 400 || status == 413 || status == 415 || status == 422;
}

domain::Refusal try_again(const Exchange& exchange, domain::ErrorInfo error) {
    domain::Refusal refusal;
    refusal.reason = Reason::provider_error;
    refusal.error = std::move(error);
    if (exchange.delivery == Delivery::answered) {
        refusal.retry_after = retry_after_of(exchange.response.headers);
    }
    return refusal;
}

bool is_plain_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
}

}  // namespace

bool is_upload_url(std::string_view text) {
    constexpr std::size_t length_max = 8 * 1024;
    if (text.size() > length_max || text.find('#') != std::string_view::npos) return false;
    const auto url = parse_url(text);
    return url && !url->has_userinfo;
}

std::string upload_name(std::string_view name) {
    constexpr std::size_t length_max = 100;
    // The end tells the kind of file.
    if (name.size() > length_max) name.remove_prefix(name.size() - length_max);
    std::string plain(name);
    std::replace_if(plain.begin(), plain.end(), [](char c) { return !is_plain_letter(c); }, '_');
    const bool says_something = plain.find_first_not_of("._-") != std::string::npos;
    return says_something ? plain : "file";
}

domain::Refusal refuse_upload_start(const Exchange& exchange, domain::ErrorInfo error) {
    domain::Refusal refusal = try_again(exchange, std::move(error));
    const int status = exchange.response.status;
    if (exchange.delivery != Delivery::answered || status < 400 || status >= 500) return refusal;
    domain::Refusal judged = judge_client_error(status);
    if (status == 403) {
        judged.kind = RefusalKind::account;
        judged.reason = Reason::account;
    }
    if (judged.kind == RefusalKind::permanent) {
        // A call that is not there, or not now, is no word on the file.
        if (!blames_the_file(status)) return refusal;
        judged.reason = Reason::invalid_input;
    }
    refusal.kind = judged.kind;
    refusal.reason = judged.reason;
    return refusal;
}

domain::Refusal refuse_upload_put(const Exchange& exchange, domain::ErrorInfo error) {
    domain::Refusal refusal = try_again(exchange, std::move(error));
    if (exchange.delivery != Delivery::answered) return refusal;
    const int status = exchange.response.status;
    const bool ticket = status == 401 || status == 403 || status == 404 || status == 410;
    if (ticket) refusal.error.code = upload_ticket_code;
    if (blames_the_file(status)) {
        refusal.kind = RefusalKind::permanent;
        refusal.reason = Reason::invalid_input;
    }
    return refusal;
}

domain::Refusal garbled_upload(const Exchange& exchange, std::string message) {
    return try_again(exchange, {"garbled_answer", shown_text(message)});
}

}  // namespace reeld::provider_api
