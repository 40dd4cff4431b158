#pragma once
// A bounded number of places, handed out in the order of asking.
#include <boost/asio/any_io_executor.hpp>
#include <list>
#include <memory>

#include "runtime/task_group.hpp"

namespace reeld::engine {

class Slots {
  public:
    // Gives its place back when it is destroyed.
    class Place {
      public:
        Place() = default;
        explicit Place(Slots& slots) : slots_(&slots) {}
        Place(Place&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
        Place& operator=(Place&&) = delete;
        ~Place() {
            if (slots_ != nullptr) slots_->give_back();
        }

      private:
        Slots* slots_ = nullptr;
    };

    Slots(boost::asio::any_io_executor executor, int count) : executor_(executor), count_(count) {}
    runtime::awaitable<Place> take();
    void resize(int count);
    int used() const { return used_; }
    int count() const { return count_; }

  private:
    struct Leave {
        Slots& slots;
        std::list<std::shared_ptr<runtime::Bell>>::iterator at;
        ~Leave() {
            slots.waiting_.erase(at);
            slots.wake();
        }
    };
    void give_back();
    void wake();

    boost::asio::any_io_executor executor_;
    int count_;
    int used_ = 0;
    std::list<std::shared_ptr<runtime::Bell>> waiting_;
};

}  // namespace reeld::engine
