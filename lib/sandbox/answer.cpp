#include "sandbox/answer.hpp"

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
