#include "providers/fal/cancel.hpp"

#include <doctest/doctest.h>

#include "providers/fal/fixtures/exchanges.hpp"

using namespace reeld;
using namespace reeld::providers::fal;
using namespace reeld::domain::event;

namespace {
template <class T>
T read_as(const Exchange& exchange) {
    const auto event = read_cancel(exchange);
    CAPTURE(domain::name_of(event));
    REQUIRE(std::holds_alternative<T>(event));
    return std::get<T>(event);
}
}  // namespace

TEST_CASE("every receipt of a cancel is taken for one") {
    CHECK(read_as<CancelAnswered>(answered(200, R"({"status":"OK"})")).accepted);
    CHECK(
        read_as<CancelAnswered>(answered(202, R"({"status":"CANCELLATION_REQUESTED"})")).accepted);
    CHECK(read_as<CancelAnswered>(answered(200, R"({"success":true})")).accepted);
    CHECK(read_as<CancelAnswered>(answered(200)).accepted);
    CHECK_FALSE(read_as<CancelAnswered>(answered(200, R"({"success":false})")).accepted);
}

TEST_CASE("a cancel that comes too late or for nobody is not accepted") {
    CHECK_FALSE(
        read_as<CancelAnswered>(answered(400, R"({"status":"ALREADY_COMPLETED"})")).accepted);
    CHECK_FALSE(read_as<CancelAnswered>(answered(404, R"({"status":"NOT_FOUND"})")).accepted);
}

TEST_CASE("a cancel without fal's word is to be sent again") {
    read_as<PollFailed>(answered(400, "<html>"));
    read_as<PollFailed>(answered(500));
    CHECK(read_as<PollFailed>(answered(401)).refusal.kind == domain::RefusalKind::credentials);
    read_as<PollFailed>(unanswered(Delivery::maybe_sent, ErrorCode::reset));
}
