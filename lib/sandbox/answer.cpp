#include "sandbox/answer.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "sandbox/python_json.hpp"

namespace reeld::sandbox {

Answer json_answer(int status, const json::value& body) {
    Answer answer;
    answer.status = status;
    answer.headers.add("Content-Type", "application/json");
    answer.body = python_json(body);
    return answer;
}

Answer html_answer(int status, const std::string& title) {
    Answer answer;
    answer.status = status;
    answer.headers.add("Content-Type", "text/html");
    answer.body = fmt::format(
        "<html>\n<head><title>{0}</title></head>\n<body>\n<center><h1>{0}</h1></center>\n"
        "<hr><center>nginx</center>\n</body>\n</html>\n",
        title);
    return answer;
}

Answer portal_answer() {
    Answer answer = html_answer(200, "Welcome to the guest network");
    answer.headers.add("Cache-Control", "no-store");
    return answer;
}

void double_fields(Answer& answer) {
    answer.headers.set("Content-Type", "text/plain; charset=utf-8");
    if (answer.body.size() < 3 || answer.body.back() != '}') return;
    const std::string again = answer.body.substr(1);
    answer.body.pop_back();
    answer.body += ", " + again;
}

std::string http_date(Instant at) {
    const auto seconds = static_cast<std::time_t>(to_unix_ms(at) / 1000);
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(seconds));
}

Exchange to_exchange(const Answer& answer) {
    Exchange exchange;
    if (answer.drop) {
        exchange.delivery = Delivery::maybe_sent;
        exchange.error = Error(ErrorCode::reset, "the connection ended without an answer");
        return exchange;
    }
    exchange.delivery = Delivery::answered;
    exchange.response.status = answer.status;
    exchange.response.headers = answer.headers;
    if (answer.head_only) return exchange;
    exchange.response.body = answer.body;
    if (answer.cut_after && *answer.cut_after < answer.body.size()) {
        exchange.response.body.resize(*answer.cut_after);
        exchange.response.complete = false;
        exchange.error = Error(ErrorCode::reset, "the body ended early");
    }
    return exchange;
}

}  // namespace reeld::sandbox
