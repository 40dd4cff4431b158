// Real HTTPS on the loopback, with certificates made for the occasion.
#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "http/client.hpp"
#include "http/server.hpp"
#include "support/loopback.hpp"
#include "support/whole_body.hpp"

using namespace std::chrono_literals;

namespace reeld::http {
namespace {

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

// A key and its certificate, signed by `issuer`, or by itself.
struct Identity {
    Identity(const std::string& name, const std::string& names, const Identity* issuer,
             long valid_seconds)
        : key(EVP_EC_gen("P-256")), certificate(X509_new()) {
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -100'000);
        X509_gmtime_adj(X509_getm_notAfter(certificate), valid_seconds);
        X509_set_pubkey(certificate, key);
        X509_NAME* subject = X509_get_subject_name(certificate);
        const auto* bytes = reinterpret_cast<const unsigned char*>(name.c_str());
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, bytes, -1, -1, 0);
        X509_set_issuer_name(certificate,
                             issuer ? X509_get_subject_name(issuer->certificate) : subject);
        if (names.empty()) {
            add(NID_basic_constraints, "critical,CA:TRUE");
        } else {
            add(NID_subject_alt_name, names);
        }
        X509_sign(certificate, issuer ? issuer->key : key, EVP_sha256());
    }
    ~Identity() {
        EVP_PKEY_free(key);
        X509_free(certificate);
    }
    Identity(const Identity&) = delete;
    Identity& operator=(const Identity&) = delete;

    void add(int kind, const std::string& value) {
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
        REQUIRE(extension != nullptr);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    std::string certificate_pem() const {
        BIO* bio = BIO_new(BIO_s_mem());
        PEM_write_bio_X509(bio, certificate);
        return text_of(bio);
    }
    std::string key_pem() const {
        BIO* bio = BIO_new(BIO_s_mem());
        PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
        return text_of(bio);
    }

    EVP_PKEY* key;
    X509* certificate;
};

struct World {
    boost::asio::io_context context;
    test::FakeClock clock{context.get_executor()};
    runtime::TaskGroup tasks{context.get_executor(), nullptr};
    test::FunctionHandler handler{[](const ServerRequest&) {
        ServerResponse response;
        response.body = std::string(200'000, 'v');
        return response;
    }};
    Identity ca{"test CA", "", nullptr, 100'000};
    std::string folder = (std::filesystem::temp_directory_path() / "reeld-test-XXXXXX").string();
    std::unique_ptr<Server> server;

    World() {
        REQUIRE(::mkdtemp(folder.data()) != nullptr);
        std::ofstream(folder + "/ca.pem") << ca.certificate_pem();
    }
    ~World() { std::filesystem::remove_all(folder); }

    std::unique_ptr<Client> client(bool knows_ca = true) {
        ClientConfig config;
        if (knows_ca) config.ca_file = folder + "/ca.pem";
        return make_client(context.get_executor(), clock, config);
    }
    void listen(const Identity& leaf) {
        const ServerTls tls{leaf.certificate_pem(), leaf.key_pem()};
        server = listen_tcp(tasks, "127.0.0.1:0", handler, {}, tls).value();
    }
    Exchange get(Client& client, const std::string& host) {
        HttpRequest request;
        const std::string address = server->address();
        request.url = "https://" + host + address.substr(address.rfind(':')) + "/";
        RequestOptions options;
        options.allow_private_addresses = true;
        options.connect_timeout = 5s;
        return test::run_for_real(context, client.send(std::move(request), std::move(options)));
    }
};

}  // namespace

TEST_CASE_FIXTURE(World, "a chain to a known CA that names the host is trusted, and kept alive") {
    const Identity leaf("leaf", "DNS:localhost,IP:127.0.0.1", &ca, 100'000);
    listen(leaf);
    const auto trusting = client();
    CHECK(get(*trusting, "localhost").response.body.size() == 200'000);
    CHECK(get(*trusting, "localhost").response.complete);
    REQUIRE(handler.requests.size() == 2);
    CHECK(handler.requests[0].peer == handler.requests[1].peer);
    CHECK(get(*trusting, "127.0.0.1").response.status == 200);
}

TEST_CASE_FIXTURE(World, "a body that is read as it goes out arrives whole over TLS") {
    const Identity leaf("leaf", "DNS:localhost", &ca, 100'000);
    listen(leaf);
    const auto trusting = client();
    HttpRequest request;
    request.method = "PUT";
    request.url = "https://localhost" + server->address().substr(server->address().rfind(':'));
    RequestOptions options;
    options.allow_private_addresses = true;
    test::TextBody body(std::string(3'000'000, 'b') + "END");
    auto sent = trusting->send_from(request, body, options);
    const auto exchange = test::run_for_real(context, std::move(sent));
    CHECK(exchange.response.complete);
    CHECK(exchange.response.body.size() == 200'000);
    REQUIRE(handler.requests.size() == 1);
    CHECK(handler.requests[0].body.size() == 3'000'003);
    CHECK(handler.requests[0].body.ends_with("bEND"));
    // More than the server takes: it says so and hangs up.
    test::TextBody large(std::string(60'000'000, 'b'));
    auto refused = trusting->send_from(std::move(request), large, std::move(options));
    CHECK(test::run_for_real(context, std::move(refused)).response.status == 413);
}

TEST_CASE_FIXTURE(World,
                  "a CA that nobody knows, another name or an old certificate sends nothing") {
    const auto refused = [&](Client& asking, const std::string& words) {
        const auto exchange = get(asking, "localhost");
        CHECK(exchange.delivery == Delivery::not_sent);
        CHECK(exchange.error.code() == ErrorCode::unreachable);
        CAPTURE(exchange.error.message());
        CHECK(exchange.error.message().find(words) != std::string::npos);
    };
    const Identity good("leaf", "DNS:localhost", &ca, 100'000);
    listen(good);
    refused(*client(false), "unable to get local issuer");
    const Identity other("leaf", "DNS:example.com,IP:127.0.0.1", &ca, 100'000);
    listen(other);
    refused(*client(), "hostname mismatch");
    const Identity old("leaf", "DNS:localhost", &ca, -1000);
    listen(old);
    refused(*client(), "expired");
    CHECK(handler.requests.empty());
}

TEST_CASE_FIXTURE(World,
                  "a missing CA file and a peer without TLS are told before anything is sent") {
    const Identity leaf("leaf", "DNS:localhost", &ca, 100'000);
    listen(leaf);
    ClientConfig config;
    config.ca_file = folder + "/none.pem";
    const auto blind = make_client(context.get_executor(), clock, config);
    CHECK(get(*blind, "localhost").delivery == Delivery::not_sent);
    server = listen_tcp(tasks, "127.0.0.1:0", handler).value();
    const auto plain = get(*client(), "localhost");
    CHECK(plain.delivery == Delivery::not_sent);
    CHECK(plain.error.code() == ErrorCode::unreachable);
    const ServerTls broken{"no pem", "no pem"};
    CHECK(listen_tcp(tasks, "127.0.0.1:0", handler, {}, broken).error().code() ==
          ErrorCode::invalid);
}

}  // namespace reeld::http
