#pragma once
// The person behind an action, as far as the way in knows.
#include <cstdint>
#include <optional>
#include <string>

namespace reeld::engine {

class Person {
  public:
    Person() = default;
    explicit Person(std::optional<std::uint32_t> uid) : uid_(uid) {}

    std::optional<std::uint32_t> uid() const { return uid_; }
    // For the trail: "by uid 1000 over the socket".
    std::string words() const {
        return uid_ ? "by uid " + std::to_string(*uid_) + " over the socket" : "over the socket";
    }

  private:
    std::optional<std::uint32_t> uid_;  // of the process at the other end of the socket
};

}  // namespace reeld::engine
