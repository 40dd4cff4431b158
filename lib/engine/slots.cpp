#include "engine/slots.hpp"

#include <algorithm>

namespace reeld::engine {

runtime::awaitable<Slots::Place> Slots::take() {
    while (used_ >= count_) {
        const auto bell = std::make_shared<runtime::Bell>(executor_);
        const auto place = waiting_.insert(waiting_.end(), bell);
        // A cancelled wait must not stay in the line and swallow somebody else's turn.
        struct Leave {
            std::list<std::shared_ptr<runtime::Bell>>& line;
            std::list<std::shared_ptr<runtime::Bell>>::iterator at;
            ~Leave() { line.erase(at); }
        };
        const Leave leave{waiting_, place};
        co_await bell->wait();
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
