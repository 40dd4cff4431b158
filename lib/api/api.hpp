#pragma once
// The HTTP+JSON API of the Unix socket.
#include <string>

#include "api/routes.hpp"
#include "api/submission.hpp"
#include "engine/control.hpp"
#include "http/server.hpp"
#include "runtime/clock.hpp"

namespace reeld::api {

// Both references must outlive every exchange. `keepalive`: how long an event stream may be silent.
class Api : public http::Handler {
  public:
    Api(engine::Control& control, runtime::Clock& clock, std::string version,
        Millis keepalive = Millis{15'000});

    http::awaitable<http::ServerResponse> handle(http::ServerRequest request) override;

  private:
    http::awaitable<http::ServerResponse> answer(http::ServerRequest request);
    http::awaitable<http::ServerResponse> submit(http::ServerRequest request, http::Target target);
    http::awaitable<http::ServerResponse> act(route::Act call, engine::Person person);
    http::awaitable<http::ServerResponse> adopt(route::Adopt call, http::ServerRequest request);
    http::awaitable<http::ServerResponse> put_file(engine::SpoolPiece piece);
    http::ServerResponse file(const std::string& sha256);
    // The engine's answer to a change of one job, or the problem that it met.
    http::awaitable<http::ServerResponse> changed(Result<domain::Job> job);
    http::awaitable<http::ServerResponse> backup(http::ServerRequest request);
    http::awaitable<http::ServerResponse> read(Route call, http::Target target);
    http::ServerResponse stream(const http::ServerRequest& request, const http::Target& target);
    http::ServerResponse verify(const http::Target& target, bool head);
    http::ServerResponse dry_run(const Submission& submission);
    http::ServerResponse models();
    http::ServerResponse model(const std::string& id);
    http::ServerResponse status();
    http::ServerResponse metrics();

    engine::Control& control_;
    runtime::Clock& clock_;
    std::string version_;
    Millis keepalive_;
    bool verifying_ = false;
};

}  // namespace reeld::api
