#pragma once
// Private to this room: TLS 1.2 and newer on a connected socket.
#include <memory>
#include <string>

#include "http/stream.hpp"

namespace reeld::http {

struct TlsContext;
using SharedTls = std::shared_ptr<TlsContext>;

// `ca_file` empty: the system's CAs.
Result<SharedTls> make_client_tls(const std::string& ca_file);
Result<SharedTls> make_server_tls(const std::string& certificate_pem, const std::string& key_pem);

// Sends `host` as SNI and accepts only a chain to a known CA whose leaf names it.
awaitable<Result<std::unique_ptr<Stream>>> tls_connect(SharedTls tls, Socket socket,
                                                       std::string host);
awaitable<Result<std::unique_ptr<Stream>>> tls_accept(SharedTls tls, Socket socket);

}  // namespace reeld::http
