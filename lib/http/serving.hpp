#pragma once
// Private to this room: what the connections of one server share, and one connection's life.
#include <list>
#include <memory>

#include "http/server.hpp"
#include "http/stream.hpp"
#include "http/tls.hpp"

namespace reeld::http {

struct Serving {
    Serving(asio::any_io_executor executor, Handler& answering, ServerLimits bounds)
        : handler(answering), limits(bounds), clock(runtime::make_system_clock(executor)) {}

    Handler& handler;
    ServerLimits limits;
    SharedTls tls;  // nullptr: plain
    // Deadlines on sockets are real time, whatever time the rest of the program lives in.
    std::unique_ptr<runtime::Clock> clock;
    bool closing = false;
    // A connection whose next request's head has not come whole.
    struct Waiting {
        Stream* stream = nullptr;
        bool begun = false;    // the first byte is here
        bool leaving = false;  // told to give way
    };
    std::list<Waiting> waiting;  // oldest first
    std::size_t connections = 0;
};

// Serves one connection to its end. `refused`: answers 503 and closes.
awaitable<void> serve(std::shared_ptr<Serving> serving, Socket socket, bool refused);

}  // namespace reeld::http
