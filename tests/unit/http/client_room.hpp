#pragma once
// A client with a listener to talk to, whose connections a test answers by hand.
#include <memory>
#include <string>
#include <utility>

#include "http/client.hpp"
#include "support/loopback.hpp"

namespace reeld::http {

struct ClientRoom {
    boost::asio::io_context context;
    test::FakeClock clock{context.get_executor()};
    test::RawListener listener{context};
    std::unique_ptr<Client> client = make_client(context.get_executor(), clock, {});
    RequestOptions options;

    ClientRoom() {
        options.allow_plain_http = true;
        options.allow_private_addresses = true;
    }
    test::Started<Exchange> start(HttpRequest request) {
        return test::Started<Exchange>(context, client->send(std::move(request), options));
    }
    Exchange finish(const test::Started<Exchange>& call) {
        context.restart();
        while (!call.done() && context.run_one() > 0) {
        }
        return call.get();
    }
};

}  // namespace reeld::http
