// reel-sandbox: the provider simulator as a server of its own.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/log.hpp"
#include "sandbox/host.hpp"

namespace {

using namespace reeld;

struct Arguments {
    std::string listen = "127.0.0.1:8470";
    std::string faults_file;
    bool verbose = false;
    sandbox::Options options;
};

void describe_options(CLI::App& app, Arguments& out) {
    app.set_version_flag("--version", REELD_VERSION);
    app.add_option("--listen", out.listen, "address and port; port 0 lets the kernel choose")
        ->capture_default_str();
    app.add_option("--seed", out.options.seed, "everything random follows from it")
        ->capture_default_str();
    app.add_option("--faults", out.faults_file, "JSON object of fault names and probabilities")
        ->check(CLI::ExistingFile);
    app.add_option("--key", out.options.key, "the only accepted key; any when absent");
    app.add_option("--user-id", out.options.user_id, "the user whose webhooks are sent")
        ->capture_default_str();
    app.add_option("--public-url", out.options.public_url, "base of the URLs given out");
    app.add_option("--speed", out.options.speed, "2 takes half as long")
        ->check(CLI::Range(0.001, 1e6))
        ->capture_default_str();
    app.add_option("--concurrency", out.options.concurrency, "jobs running at once")
        ->capture_default_str();
    app.add_flag("--strict-paths", out.options.strict_paths, "later calls by app root only");
    app.add_flag("--verbose", out.verbose, "log every request");
}

Status read_faults_file(Arguments& arguments) {
    if (arguments.faults_file.empty()) return ok();
    std::ostringstream text;
    text << std::ifstream(arguments.faults_file, std::ios::binary).rdbuf();
    auto faults = sandbox::parse_faults(text.str());
    if (!faults) return faults.error();
    arguments.options.faults = *faults;
    return ok();
}

int fail(const Error& error) {
    std::cerr << "reel-sandbox: " << error.message() << '\n';
    return 1;
}

int serve(Arguments arguments) {
    boost::asio::io_context context{1};
    const auto clock = runtime::make_system_clock(context.get_executor());
    const auto client = http::make_client(context.get_executor(), *clock, {});
    runtime::TaskGroup tasks(context.get_executor(),
                             [](const std::string& name, std::exception_ptr) {
                                 std::cerr << "reel-sandbox: " << name << " failed\n";
                             });
    sandbox::Host host(tasks, *clock, *client, std::move(arguments.options));
    if (const Status status = host.listen(arguments.listen); !status) return fail(status.error());
    std::cout << host.address() << std::endl;
    boost::asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code&, int) {
        host.close();
        tasks.stop();
    });
    context.run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Simulates a video-generation provider, faults included.", "reel-sandbox");
    Arguments arguments;
    arguments.options.public_url.clear();
    describe_options(app, arguments);
    CLI11_PARSE(app, argc, argv);
    if (const Status status = read_faults_file(arguments); !status) return fail(status.error());
    log::set_level(arguments.verbose ? log::Level::debug : log::Level::warning);
    log::set_sink([](const log::Record& record) {
        std::cerr << log::to_string(record.level) << ' ' << record.message;
        for (const auto& field : record.fields) {
            std::cerr << ' ' << field.key << '=' << field.value;
        }
        std::cerr << '\n';
    });
    return serve(std::move(arguments));
}
