#include "base/crash_point.hpp"

namespace reeld::crash_point {
namespace {

consteval bool names_are_unique() {
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (all.at(i).name == all.at(j).name) return false;
        }
        if (all.at(i).point != static_cast<CrashPoint>(i) || all.at(i).meaning.empty()) {
            return false;
        }
    }
    return true;
}
static_assert(names_are_unique());

}  // namespace

void set_observer(Observer* observer) {
    current_observer.store(observer, std::memory_order_release);
}

}  // namespace reeld::crash_point
