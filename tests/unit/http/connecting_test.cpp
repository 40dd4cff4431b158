// From a name to a connection: what is asked for again, and where it is tried next.
#include <doctest/doctest.h>

#include "http/connector.hpp"
#include "support/loopback.hpp"

namespace reeld::http {
namespace {

struct World {
    boost::asio::io_context context;
    test::FakeClock clock{context.get_executor()};
    std::unique_ptr<runtime::Clock> real_clock =
        runtime::make_system_clock(context.get_executor());

    template <class T>
    T finish(awaitable<T> task) {
        const test::Started<T> started(context, std::move(task));
        context.restart();
        while (!started.done() && context.run_one() > 0) {
        }
        return started.get();
    }
};

awaitable<Status> connect_any(Connector& connector, std::vector<asio::ip::address> addresses,
                              Url url) {
    RequestOptions options;
    options.allow_private_addresses = true;
    const auto socket = co_await connector.connect_any(std::move(addresses), std::move(url),
                                                       std::move(options));
    co_return socket ? ok() : Status(socket.error());
}

}  // namespace

TEST_CASE_FIXTURE(World, "a name that was not found is asked for anew each time") {
    ResolverCache names(context.get_executor(), clock, *real_clock);
    // No name may have such a part, so nobody else has to be asked.
    const std::string nobody = std::string(64, 'x') + ".invalid";
    for (int asked = 0; asked < 2; ++asked) {
        const auto found = finish(names.lookup(nobody, Millis{10'000}));
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().code() == ErrorCode::unreachable);
    }
}

TEST_CASE_FIXTURE(World, "an address that refuses leaves the name's next one to try") {
    test::RawListener listener(context);
    Connector connector(context.get_executor(), clock, *real_clock, "");
    const std::vector<asio::ip::address> addresses{asio::ip::make_address("127.0.0.2"),
                                                   asio::ip::make_address("127.0.0.1")};
    const Status connected =
        finish(connect_any(connector, addresses, *parse_url(listener.url())));
    CHECK(connected.has_value());
    CHECK(listener.has_connection());
}

}  // namespace reeld::http
