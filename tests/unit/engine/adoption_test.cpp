#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

// A job held because nothing tells what became of its submit.
struct Undecided : Room {
    Undecided() {
        policy().submit_unknown_wait = Millis{60'000};
        client.answer["submit"] = [this](const HttpRequest&) {
            return lost ? broken(Delivery::maybe_sent, ErrorCode::timeout)
                        : answered(200, fmt::format(R"({{"request_id":"r-{}"}})",
                                                    client.count["submit"]));
        };
        start();
    }
    void hold(const std::string& id) {
        REQUIRE(submit(id));
        REQUIRE(until([&] { return is(id, State::held); }, Millis{600'000}));
        REQUIRE(job(id).reason == Reason::submit_unknown);
    }
    void vanish(const std::string& id) {
        lost = false;
        REQUIRE(submit(id));
        REQUIRE(until([&] { return is(id, State::submitted); }));
        client.answer["status"] = [](const HttpRequest&) { return answered(404, "{}"); };
        REQUIRE(until([&] { return is(id, State::held); }));
        REQUIRE(job(id).reason == Reason::remote_missing);
        client.answer["status"] = [](const HttpRequest&) {
            return answered(202, R"({"status":"IN_PROGRESS"})");
        };
    }
    bool says(const std::string& text, const std::string& part) {
        INFO(text);
        return text.find(part) != std::string::npos;
    }
    bool lost = true;
};

std::string listed(const std::string& id, const std::string& more) {
    return fmt::format(R"({{"items":[{{"request_id":"{}"{}}}],"has_more":false}})", id, more);
}

}  // namespace

TEST_CASE("a request that a person names is asked for, then followed, with the answer as proof") {
    Undecided room;
    room.hold("a");
    CHECK(room.adopt("a", "r-me") == "submitted");
    CHECK(room.job("a").remote->request_id.str() == "r-me");
    CHECK(room.attempt("a").outcome == "adopted");
    CHECK(room.attempt("a").remote->request_id.str() == "r-me");
    CHECK(room.says(room.last_note("a", "adopted"), "a person names request r-me"));
    CHECK(room.says(room.last_note("a", "adopted"), "uid 1000"));
    const auto proof = room.proof("a", "adopted");
    REQUIRE(proof.size() == 1);
    CHECK(proof[0].kind == store::EvidenceKind::person);
    CHECK(room.says(proof[0].head, R"("uid":1000)"));
    CHECK(room.says(proof[0].body, "IN_QUEUE"));
    CHECK(room.client.count["submit"] == 1);
    CHECK(room.adopt("a", "r-me") == "submitted");
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"COMPLETED"})");
    };
    CHECK(room.until([&] { return room.is("a", State::completed); }));
}

TEST_CASE("a person need not wait for the end of the search") {
    Undecided room;
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::submit_unknown); }));
    CHECK(room.adopt("a", "r-me") == "submitted");
}

TEST_CASE("a request that has ended is read at once") {
    Undecided room;
    room.hold("a");
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"COMPLETED"})");
    };
    CHECK(room.adopt("a", "r-me") == "running");
    CHECK(room.until([&] { return room.is("a", State::completed); }, Millis{5'000}));
}

TEST_CASE("what the provider does not confirm binds nothing") {
    Undecided room;
    room.hold("a");
    const auto trail = room.events("a").size();
    room.client.answer["status"] = [](const HttpRequest&) { return answered(404, "{}"); };
    CHECK(room.says(room.adopt("a", "r-typo"), "knows no request r-typo"));
    room.client.answer["status"] = [](const HttpRequest&) {
        return broken(Delivery::not_sent, ErrorCode::unreachable);
    };
    CHECK(room.says(room.adopt("a", "r-me"), "could not be asked"));
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"COMPLETED"})");
    };
    room.client.answer["lookup"] = [](const HttpRequest&) {
        return answered(200, listed("r-me", R"(,"endpoint_id":"fal-ai/other/model")"));
    };
    CHECK(room.says(room.adopt("a", "r-me"), "was made to fal-ai/other/model"));
    room.client.answer["lookup"] = [](const HttpRequest&) {
        return answered(200, listed("r-me", R"(,"json_input":{"prompt":"another"})"));
    };
    CHECK(room.says(room.adopt("a", "r-me"), "another input"));
    CHECK(room.is("a", State::held));
    CHECK(room.events("a").size() == trail);
}

TEST_CASE("defaults that the provider has added to the input do not stand in a person's way") {
    Undecided room;
    room.hold("a");
    room.client.answer["lookup"] = [](const HttpRequest&) {
        return answered(200, listed("r-me", R"(,"json_input":{"prompt":"waves of a","seconds":6})"));
    };
    CHECK(room.adopt("a", "r-me") == "submitted");
}

TEST_CASE("a refusal says what stands against it") {
    Undecided room;
    room.hold("a");
    CHECK(room.says(room.adopt("nobody", "r-me"), "no such job"));
    room.lost = false;
    REQUIRE(room.submit("b"));
    REQUIRE(room.until([&] { return room.is("b", State::submitted); }));
    const std::string of_b = room.job("b").remote->request_id.str();
    CHECK(room.says(room.adopt("a", of_b), "is bound to job b (attempt 1)"));
    CHECK(room.says(room.adopt("b", "r-else"), "follows request " + of_b));
    REQUIRE(room.act("a", engine::Action::cancel));
    CHECK(room.says(room.adopt("a", "r-me"), "over already: cancelled"));
    CHECK(room.says(room.adopt("a", "r-me"), "attempt 1 stays of unknown outcome"));
    REQUIRE(room.submit("later", {{"not_before", "2099-01-01T00:00:00Z"}}));
    CHECK(room.says(room.adopt("later", "r-me"), "never submitted"));
}

TEST_CASE("a vanished request of which a delivery tells is followed again") {
    Undecided room;
    room.vanish("a");
    CHECK(room.deliver("a") == 200);
    CHECK(room.until([&] { return room.is("a", State::completed); }));
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("a vanished request may be named again, or another one in its place") {
    Undecided room;
    room.vanish("a");
    const std::string own = room.job("a").remote->request_id.str();
    SUBCASE("the same") {
        CHECK(room.adopt("a", own) == "running");
        CHECK(room.job("a").remote->request_id.str() == own);
    }
    SUBCASE("another") {
        CHECK(room.adopt("a", "r-new") == "running");
        CHECK(room.job("a").remote->request_id.str() == "r-new");
    }
    CHECK(room.attempt("a").outcome == "adopted");
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("a release names the person, and the submit before stays one that may be billed") {
    Undecided room;
    room.hold("a");
    room.lost = false;
    REQUIRE(room.act("a", engine::Action::release));
    CHECK(room.says(room.last_note("a", "release_requested"), "may be billed (over the socket)"));
    const auto proof = room.proof("a", "release_requested");
    REQUIRE(proof.size() == 1);
    CHECK(proof[0].kind == store::EvidenceKind::person);
    CHECK(room.says(proof[0].head, "release_requested"));
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }));
    CHECK(room.attempt("a", 1).outcome == "unknown");
    CHECK(room.attempt("a", 2).outcome == "accepted");
    CHECK(room.job("a").billable_attempts == 2);
    CHECK(room.says(room.adopt("a", "r-old"), "follows request r-2"));
    CHECK(room.says(room.adopt("a", "r-old"), "attempt 1 stays of unknown outcome"));
}

TEST_CASE("released and not sent again yet, the earlier request can still be named") {
    Undecided room;
    room.hold("a");
    room.limits().concurrency = 0;
    room.engine().reconfigure(room.config);
    REQUIRE(room.act("a", engine::Action::release));
    REQUIRE(room.is("a", State::queued));
    CHECK(room.adopt("a", "r-me") == "submitted");
    CHECK(room.attempt("a", 1).outcome == "adopted");
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("a webhook of the submit before is kept with it as also billed") {
    Undecided room;
    room.hold("a");
    room.lost = false;
    REQUIRE(room.act("a", engine::Action::release));
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }));
    Delivered late;
    late.request_id = "r-old";
    SUBCASE("while the job follows the later one") {}
    SUBCASE("after the end") {
        room.client.answer["status"] = [](const HttpRequest&) {
            return answered(200, R"({"status":"COMPLETED"})");
        };
        REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    }
    const Job before = room.job("a");
    CHECK(room.deliver("a", late, 1) == 200);
    CHECK(room.job("a") == before);
    CHECK(room.attempt("a", 1).outcome == "also_billed");
    CHECK(room.attempt("a", 1).remote->request_id.str() == "r-old");
    CHECK(room.attempt("a", 2).remote->request_id.str() == "r-2");
    CHECK(room.count_events("a", "also_billed") == 1);
    CHECK(room.says(room.last_note("a", "also_billed"), "as request r-old"));
    REQUIRE(room.proof("a", "also_billed").size() == 1);
    CHECK(room.proof("a", "also_billed")[0].kind == store::EvidenceKind::webhook);
    CHECK(room.deliver("a", late, 1) == 200);
    CHECK(room.count_events("a", "also_billed") == 1);
}

TEST_CASE("a webhook cannot take a request that another job follows") {
    Undecided room;
    room.hold("a");
    room.hold("b");
    CHECK(room.adopt("b", "r-one") == "submitted");
    Delivered claim;
    claim.request_id = "r-one";
    CHECK(room.deliver("a", claim, 1) == 200);
    CHECK(room.is("a", State::held));
    CHECK(room.says(room.last_note("a", "adopt_refused"), "bound to job b (attempt 1)"));
    CHECK_FALSE(room.attempt("a", 1).remote.has_value());
}

TEST_CASE("what people ask for says so in the trail") {
    Undecided room;
    room.lost = false;
    REQUIRE(room.submit("a", {{"not_before", "2099-01-01T00:00:00Z"}}));
    REQUIRE(room.act("a", engine::Action::hold));
    REQUIRE(room.act("a", engine::Action::cancel));
    REQUIRE(room.act("a", engine::Action::retry));
    for (const char* event : {"hold_requested", "cancel_requested", "retried"}) {
        CAPTURE(event);
        const auto proof = room.proof("a", event);
        REQUIRE(proof.size() == 1);
        CHECK(proof[0].kind == store::EvidenceKind::person);
        CHECK(room.says(room.last_note("a", event), "over the socket"));
    }
}
