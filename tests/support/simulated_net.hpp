#pragma once
// The network between the daemon and a simulated provider, on a virtual clock.
#include <functional>
#include <list>
#include <set>

#include "http/client.hpp"
#include "runtime/rng.hpp"
#include "runtime/task_group.hpp"
#include "sandbox/service.hpp"
#include "support/fake_clock.hpp"
#include "support/journal.hpp"

namespace reeld::test {

class SimulatedNet final : public http::Client {
  public:
    SimulatedNet(FakeClock& clock, runtime::Rng& rng, sandbox::Service& provider,
                 runtime::Bell& provider_changed)
        : clock_(clock), rng_(rng), provider_(provider), provider_changed_(provider_changed) {}

    double unreachable = 0;   // chance that nothing can be sent: refused, no such name, no route
    double lost_request = 0;  // chance that a request is lost on its way, and the connection resets
    double late_request = 0;  // chance that one arrives long after everybody gave it up
    double lost_answer = 0;   // chance that an answer does not come back
    double reset_answer = 0;  // chance that the connection resets before the answer
    double cut_answer = 0;    // chance that it resets within the answer
    double slow_answer = 0;   // chance that the answer drips until the time is over
    // Every exchange that is under way breaks where it is.
    void cut() { ++lines_; }
    bool down = false;        // nothing goes through: the process that asks is dead

    Journal* journal = nullptr;
    runtime::TaskGroup* wires = nullptr;  // where late requests travel; null: they are lost
    std::string origin;                   // the only one that exists; empty: all lead there
    // Called with every request and every submit as it leaves, and with the hint of every answered
    // refusal.
    std::function<void(const HttpRequest&)> on_request;
    std::function<void(const HttpRequest&)> on_submit;
    std::function<void(const HttpRequest&, Millis)> on_retry_after;
    // Hosts that were sent a key though they have no business with it.
    std::set<std::string> leaks;

    http::awaitable<Exchange> send(HttpRequest request, http::RequestOptions options) override;
    http::awaitable<Exchange> stream(HttpRequest request, http::BodySink& sink,
                                     http::RequestOptions options) override;
    http::awaitable<Exchange> send_from(HttpRequest request, http::BodySource& body,
                                        http::RequestOptions options) override;

    // What is on its way to the provider arrives now; who sent it is not there to hear the answer.
    void deliver_in_flight();

  private:
    struct Carried {
        Exchange exchange;
        std::optional<std::size_t> bytes_per_second;
        std::optional<sandbox::StatusStream> events;  // in place of a body
        Millis left{0};  // of the total time; 0: no limit
        bool cut = false;
        bool drips = false;
    };
    http::awaitable<Carried> carry(HttpRequest request, http::RequestOptions options);
    http::awaitable<Exchange> tell_events(Carried carried, http::BodySink& sink, Millis limit);
    struct InFlight {
        SimulatedNet& net;
        std::list<HttpRequest>::iterator at;
        ~InFlight() { net.in_flight_.erase(at); }
    };
    http::awaitable<void> arrive_late(HttpRequest request, Millis after);
    sandbox::Answer deliver(const HttpRequest& request);
    void watch_keys(const HttpRequest& request);
    Millis latency();
    bool strikes(double odds, const char* kind);
    void say(const HttpRequest& request, std::string what);
    Instant provider_now() const { return clock_.true_now(); }

    FakeClock& clock_;
    int lines_ = 0;  // cut so far
    runtime::Rng& rng_;
    sandbox::Service& provider_;
    runtime::Bell& provider_changed_;
    std::list<HttpRequest> in_flight_;
};

}  // namespace reeld::test
