#pragma once
// Private to this room: from a URL to a connected, verified stream.
#include <optional>
#include <string>
#include <vector>

#include "http/client.hpp"
#include "http/resolver_cache.hpp"
#include "http/tls.hpp"

namespace reeld::http {

class Connector {
  public:
    Connector(asio::any_io_executor executor, runtime::Clock& clock, runtime::Clock& real_clock,
              std::string ca_file);

    // Every phase has the options' connect_timeout; addresses are tried in turn. The address policy
    // is applied to the very addresses that are connected to.
    awaitable<Result<std::unique_ptr<Stream>>> connect(Url url, RequestOptions options);
    // To the first of the host's addresses that answers.
    awaitable<Result<Socket>> connect_any(std::vector<asio::ip::address> addresses, Url url,
                                          RequestOptions options);

  private:
    awaitable<Result<Socket>> connect_unix(std::string path, Millis limit);
    awaitable<Result<Socket>> connect_tcp(Url url, RequestOptions options);

    asio::any_io_executor executor_;
    runtime::Clock& real_clock_;
    ResolverCache resolver_;
    std::string ca_file_;
    // Made when first needed: reading the system's CAs takes long, and a Unix socket needs none.
    std::optional<Result<SharedTls>> tls_;
};

}  // namespace reeld::http
