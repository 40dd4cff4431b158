#pragma once
// Notices that the wall clock was set or that the machine slept, and moves along what stands for a
// length of time.
#include "engine/core.hpp"

namespace reeld::engine {

class ClockWatch {
  public:
    explicit ClockWatch(Core& core);

    // Due times are kept as wall-clock instants, so that they outlive a restart. A clock set back
    // would let every wait last for as much longer; one set forward would end backoffs, the
    // provider's own limits and the wait for evidence of a submit at once. So they move with the
    // clock, in one transaction with the engine's own time. Times that people gave stay: they mean
    // the clock on the wall. A machine's sleep is time that has passed, except for the evidence of a
    // submit, which could not arrive meanwhile.
    Status follow();
    // Follows as soon as the system tells; the owner timers' loop does so in any case.
    awaitable<void> run();

  private:
    Status shift(Millis set, Millis slept);
    void shift_undecided(store::Tx& tx, Millis by);
    void shift_gates(store::Tx& tx, Millis by);
    void tell(Millis set, Millis slept);
    void settle(bool kept);

    Core& core_;
    // Moved in the open group: taken back when it does not become durable.
    Millis open_set_{0};
    Millis open_slept_{0};
};

}  // namespace reeld::engine
