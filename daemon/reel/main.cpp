// reel: the command line of reeld.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "reel/session.hpp"
#include "reel/terminal.hpp"

namespace {

using namespace reeld;
using namespace reeld::reel;

awaitable<void> run(Session& session, Exit& exit, runtime::TaskGroup& beside) {
    exit = co_await run_verb(session);
    beside.stop();
}

int run_session(Options options) {
    boost::asio::io_context loop(1);
    const auto clock = runtime::make_system_clock(loop.get_executor());
    const auto files = runtime::make_system_file_system(loop.get_executor());
    http::ClientConfig config;
    config.user_agent = "reel/" REELD_VERSION;
    const auto client = http::make_client(loop.get_executor(), *clock, std::move(config));
    const auto broken = [](const std::string& task, const std::exception_ptr&) {
        std::fprintf(stderr, "reel: internal error in %s\n", task.c_str());
    };
    runtime::TaskGroup verb(loop.get_executor(), broken);
    runtime::TaskGroup beside(loop.get_executor(), broken);

    const std::string socket = socket_path(options, std::getenv("REELD_SOCKET"));
    Session session{std::move(options),
                    socket,
                    REELD_VERSION,
                    *client,
                    *clock,
                    *files,
                    beside,
                    make_console([&clock] { return clock->now(); }),
                    make_read_file(*files)};
    Exit exit = Exit::error;
    bool interrupted = false;
    boost::asio::signal_set signals(loop, SIGINT, SIGTERM);
    // Cancelling unwinds the verb, which gives the terminal its cursor back.
    signals.async_wait([&](const boost::system::error_code& error, int) {
        if (error) return;
        interrupted = true;
        beside.stop();
        verb.stop();
    });
    verb.spawn("verb", run(session, exit, beside));
    while (verb.size() + beside.size() > 0 && loop.run_one() > 0) {
    }
    return static_cast<int>(interrupted ? Exit::interrupted : exit);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    Parsed parsed = parse_arguments(words, REELD_VERSION);
    std::fputs(parsed.out.c_str(), stdout);
    std::fputs(parsed.err.c_str(), stderr);
    if (!parsed.options) return static_cast<int>(parsed.exit);
    return run_session(std::move(*parsed.options));
}
