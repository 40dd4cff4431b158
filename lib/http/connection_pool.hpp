#pragma once
// Private to this room: idle connections, by the origin and the rules they were made under.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "http/stream.hpp"

namespace reeld::http {

class ConnectionPool {
  public:
    ConnectionPool(runtime::Clock& clock, std::size_t per_origin_max, Millis idle_max)
        : clock_(clock), per_origin_max_(per_origin_max), idle_max_(idle_max) {}

    // A connection that has been idle for less than `idle_max` and still looks alive, or nullptr.
    std::unique_ptr<Stream> take(const std::string& key, Millis idle_max);
    void put(const std::string& key, std::unique_ptr<Stream> stream);

  private:
    struct Idle {
        std::unique_ptr<Stream> stream;
        Millis since;
    };
    void drop_old();

    runtime::Clock& clock_;
    std::size_t per_origin_max_;
    Millis idle_max_;
    std::map<std::string, std::vector<Idle>> idle_;
};

}  // namespace reeld::http
