#pragma once
// Private to this room: requests off one connection, within the server's limits.
#include <memory>
#include <optional>
#include <string>

#include "http/serving.hpp"

namespace reeld::http {

// A request that reaches no handler.
struct Refusal {
    int status = 400;
    std::string detail;
};

struct ReadRequest {
    ServerRequest request;
    bool keep_alive = true;
    std::optional<Refusal> refusal;  // answer it and close
    bool gone = false;               // the peer left or idled too long: close without a word
};

class RequestReader {
  public:
    RequestReader(Serving& serving, Stream& stream);
    ~RequestReader();
    awaitable<ReadRequest> next();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace reeld::http
