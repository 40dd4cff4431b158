#include "engine/slots.hpp"

#include <algorithm>

namespace reeld::engine {

runtime::awaitable<Slots::Place> Slots::take() {
    if (used_ >= count_ || !waiting_.empty()) {
        const auto bell = std::make_shared<runtime::Bell>(executor_);
        const auto at = waiting_.insert(waiting_.end(), bell);
        // A cancelled wait must not stay in the line and swallow somebody else's turn.
        const Leave leave{*this, at};
        // Nobody who comes later goes first: the place in the line is kept until it is one's turn.
        while (used_ >= count_ || waiting_.front() != bell) co_await bell->wait();
        ++used_;
        co_return Place(*this);
    }
    ++used_;
    co_return Place(*this);
}

void Slots::resize(int count) {
    count_ = count;
    wake();
}

void Slots::give_back() {
    --used_;
    wake();
}

void Slots::wake() {
    int free = count_ - used_;
    for (const auto& bell : waiting_) {
        if (free-- <= 0) break;
        bell->ring();
    }
}

}  // namespace reeld::engine
