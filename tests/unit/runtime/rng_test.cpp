#include <doctest/doctest.h>

#include <set>

#include "runtime/rng.hpp"

namespace reeld::runtime {

TEST_CASE("a seeded generator gives the same numbers on every machine") {
    const auto rng = make_seeded_rng(42);
    CHECK(rng->next() == 1546998764402558742u);
    CHECK(rng->next() == 6990951692964543102u);
    CHECK(make_seeded_rng(42)->bytes(8) == make_seeded_rng(42)->bytes(16).substr(0, 8));
    CHECK(make_seeded_rng(1)->next() != make_seeded_rng(2)->next());
}

TEST_CASE("uniform numbers stay below one and spread") {
    const auto rng = make_seeded_rng(7);
    double sum = 0;
    for (int i = 0; i < 1000; ++i) {
        const double value = rng->uniform();
        REQUIRE(value >= 0);
        REQUIRE(value < 1);
        sum += value;
    }
    CHECK(sum > 450);
    CHECK(sum < 550);
}

TEST_CASE("a uuid of version 7 carries its time and sorts by it") {
    const auto rng = make_seeded_rng(1);
    const auto early = uuid_v7(from_unix_ms(0x0123456789AB), *rng);
    const auto late = uuid_v7(from_unix_ms(0x0123456789AC), *rng);
    CHECK(early.size() == 36);
    CHECK(early.substr(0, 15) == "01234567-89ab-7");
    CHECK(early[23] == '-');
    CHECK(std::string("89ab").find(early[19]) != std::string::npos);
    CHECK(early < late);
}

TEST_CASE("tokens of the system are 32 hex digits and never the same") {
    const auto rng = make_system_rng();
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const auto token = make_token(*rng).str();
        CHECK(token.size() == 32);
        CHECK(token.find_first_not_of("0123456789abcdef") == std::string::npos);
        seen.insert(token);
    }
    CHECK(seen.size() == 100);
}

}  // namespace reeld::runtime
