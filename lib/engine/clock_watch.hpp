#pragma once
// Notices that the wall clock was set, and moves along what stands for a length of time.
#include "engine/core.hpp"

namespace reeld::engine {

class ClockWatch {
  public:
    explicit ClockWatch(Core& core) : core_(core), offset_(offset()) {}

    // Due times are kept as wall-clock instants, so that they outlive a restart. A clock set back
    // would let every poll wait for as long; a clock set forward (or a machine that slept) would end
    // the wait for evidence of a submit before anything could arrive. Times that people gave stay.
    Status follow();

  private:
    Millis offset() const;
    Status shift(Millis by);
    void shift_jobs(store::Tx& tx, Millis by);
    void shift_gates(store::Tx& tx, Millis by);

    Core& core_;
    Millis offset_;  // wall clock minus monotonic
};

}  // namespace reeld::engine
