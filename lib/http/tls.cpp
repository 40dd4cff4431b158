#include "http/tls.hpp"

#include <openssl/x509v3.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace reeld::http {

struct TlsContext {
    explicit TlsContext(asio::ssl::context::method method) : context(method) {
        context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                            asio::ssl::context::no_tlsv1_1);
    }
    asio::ssl::context context;
};

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

class TlsStream final : public Stream {
  public:
    TlsStream(SharedTls tls, Socket socket)
        : tls_(std::move(tls)), stream_(std::move(socket), tls_->context) {}

    awaitable<Result<std::size_t>> read_some(std::span<char> out) override {
        const auto [failure, size] =
            co_await stream_.async_read_some(asio::buffer(out.data(), out.size()), as_values);
        // A cut without close_notify is no end: it must not pass for a whole body.
        if (failure == asio::error::eof) co_return std::size_t{0};
        if (failure) co_return transport_error("read", failure);
        co_return size;
    }

    awaitable<Status> write(std::string_view bytes) override {
        const auto [failure, size] = co_await asio::async_write(
            stream_, asio::buffer(bytes.data(), bytes.size()), as_values);
        written_ += size;
        if (failure) co_return transport_error("write", failure);
        co_return ok();
    }

    std::uint64_t written() const override { return written_; }

    awaitable<Status> finish() override {
        const auto [failure] = co_await stream_.async_shutdown(as_values);
        if (failure && failure != asio::ssl::error::stream_truncated) {
            co_return transport_error("close", failure);
        }
        co_return ok();
    }

    bool spoiled() override {
        return SSL_pending(handle()) > 0 || peek(socket()) != Pending::nothing;
    }

    Socket& socket() override { return stream_.next_layer(); }
    SSL* handle() { return stream_.native_handle(); }

    awaitable<Status> handshake(asio::ssl::stream_base::handshake_type side) {
        const auto [failure] = co_await stream_.async_handshake(side, as_values);
        if (!failure) co_return ok();
        const long verdict = SSL_get_verify_result(handle());
        if (verdict != X509_V_OK) {
            const std::string words = X509_verify_cert_error_string(verdict);
            co_return Error(ErrorCode::unreachable, "TLS: the server's certificate: " + words);
        }
        co_return Error(ErrorCode::unreachable, "TLS handshake", failure);
    }

  private:
    SharedTls tls_;
    asio::ssl::stream<Socket> stream_;
    std::uint64_t written_ = 0;
};

// The name the certificate must carry. OpenSSL's own check gives a reason when it fails.
bool expect_host(SSL* ssl, const std::string& host) {
    boost::system::error_code not_an_address;
    asio::ip::make_address(host, not_an_address);
    X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
    if (!not_an_address) return X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) == 1;
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size()) == 1 &&
           SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    const_cast<char*>(host.c_str())) == 1;
}

}  // namespace

Result<SharedTls> make_client_tls(const std::string& ca_file) {
    auto tls = std::make_shared<TlsContext>(asio::ssl::context::tls_client);
    boost::system::error_code failure;
    tls->context.set_verify_mode(asio::ssl::verify_peer);
    if (ca_file.empty()) {
        tls->context.set_default_verify_paths(failure);
    } else {
        tls->context.load_verify_file(ca_file, failure);
    }
    if (failure) return Error(ErrorCode::unreachable, "load CAs of " + ca_file, failure);
    return tls;
}

Result<SharedTls> make_server_tls(const std::string& certificate_pem, const std::string& key_pem) {
    auto tls = std::make_shared<TlsContext>(asio::ssl::context::tls_server);
    boost::system::error_code failure;
    tls->context.use_certificate_chain(asio::buffer(certificate_pem), failure);
    if (failure) return Error(ErrorCode::invalid, "the TLS certificate", failure);
    tls->context.use_private_key(asio::buffer(key_pem), asio::ssl::context::pem, failure);
    if (failure) return Error(ErrorCode::invalid, "the TLS key", failure);
    return tls;
}

awaitable<Result<std::unique_ptr<Stream>>> tls_connect(SharedTls tls, Socket socket,
                                                       std::string host) {
    auto stream = std::make_unique<TlsStream>(std::move(tls), std::move(socket));
    if (!expect_host(stream->handle(), host)) {
        co_return Error(ErrorCode::invalid, "TLS: a host name that cannot be verified");
    }
    auto status = co_await stream->handshake(asio::ssl::stream_base::client);
    if (!status) co_return status.error();
    co_return std::unique_ptr<Stream>(std::move(stream));
}

awaitable<Result<std::unique_ptr<Stream>>> tls_accept(SharedTls tls, Socket socket) {
    auto stream = std::make_unique<TlsStream>(std::move(tls), std::move(socket));
    auto status = co_await stream->handshake(asio::ssl::stream_base::server);
    if (!status) co_return status.error();
    co_return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace reeld::http
