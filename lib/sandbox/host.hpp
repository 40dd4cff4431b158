#pragma once
// The sandbox on real sockets: serves the core, delivers its webhooks. Lives on the caller's
// event loop; must outlive the TaskGroup's tasks.
#include <memory>
#include <string>

#include "http/client.hpp"
#include "http/server.hpp"
#include "runtime/clock.hpp"
#include "runtime/task_group.hpp"
#include "sandbox/service.hpp"

namespace reeld::sandbox {

class Host final : public http::Handler {
  public:
    // An empty `options.public_url` stands for the address that is listened on.
    Host(runtime::TaskGroup& tasks, runtime::Clock& clock, http::Client& client, Options options);

    // Serves from now on: "127.0.0.1:8470", port 0 for any.
    Status listen(const std::string& where);
    // Stops accepting connections; what is open ends with the TaskGroup.
    void close();
    // Where it listens, "http://127.0.0.1:8470"; its URLs start with url(), which may be another.
    std::string address() const { return "http://" + server_->address(); }
    std::string url() const { return service_.options().public_url; }
    Service& service() { return service_; }

    http::awaitable<http::ServerResponse> handle(http::ServerRequest request) override;

  private:
    http::awaitable<void> run_webhooks();
    http::awaitable<void> deliver(WebhookDelivery delivery);
    http::ServerResponse to_response(Answer answer);

    runtime::TaskGroup& tasks_;
    runtime::Clock& clock_;
    http::Client& client_;
    Service service_;
    runtime::Bell changed_;  // the next webhook may be due earlier than thought
    std::unique_ptr<http::Server> server_;
};

}  // namespace reeld::sandbox
