// The gate in front of a provider's account, over simulated hours.
#include <doctest/doctest.h>

#include <deque>
#include <vector>

#include "domain/provider_gate.hpp"

using namespace reeld;
using namespace reeld::domain;
using namespace std::chrono_literals;

namespace {

constexpr Instant start = from_unix_ms(1'795'000'000'000);
constexpr Jitter middle{0.5};

Refusal refusal(RefusalKind kind, std::optional<Millis> retry_after = std::nullopt) {
    return Refusal{kind, Reason::provider_error, ErrorInfo{"no", "the provider said no"},
                   retry_after};
}

ProviderState after_submit_refused(ProviderState state, const Refusal& with, Instant now) {
    return after_refusal(std::move(state), with, GateLimits{}, now, middle);
}

}  // namespace

TEST_CASE("submits in flight when the account is locked do not push the first probe away") {
    ProviderState state;
    for (int i = 0; i < 8; ++i) {
        state = after_submit_refused(state, refusal(RefusalKind::account), start + i * 100ms);
    }
    CHECK(state.paused == Reason::account);
    CHECK(state.paused_at == start);
    CHECK_FALSE(ask(state, GateLimits{}, 0, start + 60s - 1ms).open);
    const Admission admission = ask(state, GateLimits{}, 0, start + 60s);
    CHECK(admission.open);
    CHECK(admission.probe);
}

TEST_CASE("a paused account is probed one job at a time, ever more rarely") {
    ProviderState state =
        after_submit_refused(ProviderState{}, refusal(RefusalKind::credentials), start);
    std::vector<Millis> waits;
    Instant last = start;
    bool answers = false;
    SUBCASE("each is refused") {
        answers = true;
    }
    SUBCASE("their answers get lost") {}
    for (Instant now = start; now < start + 6h; now += 1s) {
        const Admission admission = ask(state, GateLimits{}, 0, now);
        if (!admission.open) {
            CHECK(admission.reason == Reason::credentials);
            CHECK(admission.until.value() > now);
            continue;
        }
        REQUIRE(admission.probe);
        state = after_admission(state, GateLimits{}, now);
        CHECK_FALSE(ask(state, GateLimits{}, 0, now).open);
        waits.push_back(now - last);
        last = now;
        if (answers) {
            state = after_submit_refused(state, refusal(RefusalKind::credentials), now + 500ms);
        }
    }
    REQUIRE(waits.size() > 6);
    CHECK(waits[0] == 1min);
    CHECK(waits[1] == 2min);
    CHECK(waits[4] == 16min);
    CHECK(waits[5] == 30min);
    CHECK(waits[6] == 30min);
}

TEST_CASE("no minute of a busy hour holds more submits than the rate and one burst") {
    int rate = 0;
    SUBCASE("1") {
        rate = 1;
    }
    SUBCASE("7") {
        rate = 7;
    }
    SUBCASE("120") {
        rate = 120;
    }
    SUBCASE("600") {
        rate = 600;
    }
    GateLimits limits;
    limits.requests_per_minute = rate;
    ProviderState state;
    std::deque<Instant> minute;
    std::size_t most = 0;
    int total = 0;
    for (Instant now = start; now < start + 1h;) {
        const Admission admission = ask(state, limits, 0, now);
        if (!admission.open) {
            REQUIRE(admission.reason == Reason::rate_limit);
            REQUIRE(admission.until.value() > now);
            now = *admission.until;
            continue;
        }
        state = after_admission(state, limits, now);
        ++total;
        minute.push_back(now);
        while (minute.front() <= now - 1min)
            minute.pop_front();
        most = std::max(most, minute.size());
    }
    // Five seconds' worth may go at once; what it takes, the following minute lacks.
    const int burst = rate * 5 / 60;
    CHECK(most <= static_cast<std::size_t>(rate + burst));
    CHECK(total <= rate * 60 + burst);
    CHECK(total >= rate * 60 - 60);
}

TEST_CASE("no more jobs are in hand than the account allows") {
    GateLimits limits;
    limits.concurrency = 3;
    CHECK(ask(ProviderState{}, limits, 2, start).open);
    for (const std::int64_t in_hand : {3, 4}) {
        const Admission admission = ask(ProviderState{}, limits, in_hand, start);
        CHECK_FALSE(admission.open);
        CHECK(admission.reason == Reason::concurrency);
        CHECK_FALSE(admission.until.has_value());
    }
}

TEST_CASE("a Retry-After closes the gate for as long, and an answer in flight does not open it") {
    ProviderState state =
        after_submit_refused(ProviderState{}, refusal(RefusalKind::rate_limited, 90s), start);
    state = after_accepted(state);
    const Admission admission = ask(state, GateLimits{}, 0, start + 90s);
    CHECK(admission.reason == Reason::rate_limit);
    CHECK(admission.until.value() >= start + 90s);
    CHECK(admission.until.value() < start + 92s);
    CHECK(ask(state, GateLimits{}, 0, *admission.until).open);
}

TEST_CASE("a later, shorter Retry-After does not open the gate earlier") {
    ProviderState state =
        after_submit_refused(ProviderState{}, refusal(RefusalKind::rate_limited, 10min), start);
    state = after_submit_refused(state, refusal(RefusalKind::rate_limited, 1s), start + 1s);
    CHECK_FALSE(ask(state, GateLimits{}, 0, start + 10min - 1s).open);
}

TEST_CASE("one failed submit is the job's trouble, from the second on it is the provider's") {
    ProviderState state = after_not_sent(ProviderState{}, GateLimits{}, start, middle);
    CHECK(ask(state, GateLimits{}, 0, start).open);
    state = after_not_sent(state, GateLimits{}, start, middle);
    CHECK(ask(state, GateLimits{}, 0, start).reason == Reason::rate_limit);
    SUBCASE("an accepted submit ends the row") {
        state = after_not_sent(after_accepted(state), GateLimits{}, start + 1h, middle);
    }
    SUBCASE("so does a refusal of the input: the provider works") {
        state = after_submit_refused(state, refusal(RefusalKind::permanent), start + 1h);
        state = after_not_sent(state, GateLimits{}, start + 1h, middle);
    }
    CHECK(ask(state, GateLimits{}, 0, start + 1h).open);
}

TEST_CASE("an accepted submit opens a paused account, a read only one with refused credentials") {
    for (const auto kind : {RefusalKind::credentials, RefusalKind::account}) {
        const ProviderState paused = after_submit_refused(ProviderState{}, refusal(kind), start);
        CHECK(paused.paused_message == "the provider said no");
        CHECK(after_accepted(paused) == ProviderState{});
        CHECK(after_release(paused) == ProviderState{});
        const bool opened = after_read(paused).paused == Reason::none;
        CHECK(opened == (kind == RefusalKind::credentials));
    }
}

TEST_CASE("a person's release clears every wait but the pace") {
    ProviderState state = after_admission(ProviderState{}, GateLimits{}, start);
    const auto pace = state.next_submit_at;
    state = after_submit_refused(state, refusal(RefusalKind::rate_limited, 10min), start);
    state = after_submit_refused(state, refusal(RefusalKind::account), start);
    state = after_release(state);
    CHECK(ask(state, GateLimits{}, 0, start).open);
    CHECK(state.next_submit_at == pace);
}

TEST_CASE("a job that settles gives an account without balance one look that counts as none") {
    ProviderState state = after_submit_refused(ProviderState{}, refusal(RefusalKind::account), start);
    CHECK_FALSE(ask(state, GateLimits{}, 1, start + 10s).open);
    state = after_settled(state, start + 10s);
    const Admission admission = ask(state, GateLimits{}, 0, start + 10s);
    CHECK(admission.open);
    CHECK(admission.probe);
    state = after_admission(state, GateLimits{}, start + 10s);
    CHECK_FALSE(ask(state, GateLimits{}, 0, start + 11s).open);
    state = after_submit_refused(state, refusal(RefusalKind::account), start + 11s);
    const int failures = state.probe_failures;
    state = after_admission(after_settled(state, start + 20s), GateLimits{}, start + 20s);
    CHECK(state.probe_failures == failures);
}

TEST_CASE("an upload of a paused account's job is its probe, one that ends well counts as none") {
    ProviderState state =
        after_submit_refused(ProviderState{}, refusal(RefusalKind::credentials), start);
    CHECK(after_upload_began(ProviderState{}, start) == ProviderState{});
    CHECK(after_upload_ended(ProviderState{}, start) == ProviderState{});
    state = after_upload_began(state, start + 1min);
    CHECK_FALSE(ask(state, GateLimits{}, 0, start + 2min).open);
    CHECK(ask(state, GateLimits{}, 0, start + 3min).probe);
    state = after_upload_ended(state, start + 90s);
    CHECK(ask(state, GateLimits{}, 0, start + 90s).probe);
    CHECK(state.probe_failures == 0);
    CHECK(state.paused == Reason::credentials);
}

TEST_CASE("a key that works says nothing of the wait that was asked for") {
    ProviderState state =
        after_submit_refused(ProviderState{}, refusal(RefusalKind::rate_limited, 10min), start);
    state = after_submit_refused(state, refusal(RefusalKind::credentials), start);
    state = after_read(state);
    CHECK(state.paused == Reason::none);
    CHECK(ask(state, GateLimits{}, 0, start + 1min).reason == Reason::rate_limit);
}

TEST_CASE("a job that settles says nothing of a key, nor of an account that is well") {
    const ProviderState keyless =
        after_submit_refused(ProviderState{}, refusal(RefusalKind::credentials), start);
    CHECK(after_settled(keyless, start + 10s) == keyless);
    CHECK(after_settled(ProviderState{}, start) == ProviderState{});
}
