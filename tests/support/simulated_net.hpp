#pragma once
// The network between the daemon and a simulated provider, on a virtual clock.
#include <list>

#include "http/client.hpp"
#include "runtime/rng.hpp"
#include "runtime/task_group.hpp"
#include "sandbox/service.hpp"
#include "support/fake_clock.hpp"

namespace reeld::test {

class SimulatedNet final : public http::Client {
  public:
    SimulatedNet(FakeClock& clock, runtime::Rng& rng, sandbox::Service& provider,
                 runtime::Bell& provider_changed)
        : clock_(clock), rng_(rng), provider_(provider), provider_changed_(provider_changed) {}

    double unreachable = 0;   // chance that nothing can be sent
    double lost_answer = 0;   // chance that an answer does not come back
    // Every exchange that is under way breaks where it is.
    void cut() { ++lines_; }
    bool down = false;        // nothing goes through: the process that asks is dead

    http::awaitable<Exchange> send(HttpRequest request, http::RequestOptions options) override;
    http::awaitable<Exchange> stream(HttpRequest request, http::BodySink& sink,
                                     http::RequestOptions options) override;

    // What is on its way to the provider arrives now; who sent it is not there to hear the answer.
    void deliver_in_flight();

  private:
    struct Carried {
        Exchange exchange;
        std::optional<std::size_t> bytes_per_second;
    };
    http::awaitable<Carried> carry(HttpRequest request, http::RequestOptions options);
    struct InFlight {
        SimulatedNet& net;
        std::list<HttpRequest>::iterator at;
        ~InFlight() { net.in_flight_.erase(at); }
    };
    Millis latency();

    FakeClock& clock_;
    int lines_ = 0;  // cut so far
    runtime::Rng& rng_;
    sandbox::Service& provider_;
    runtime::Bell& provider_changed_;
    std::list<HttpRequest> in_flight_;
};

}  // namespace reeld::test
