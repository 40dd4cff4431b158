#include "reel/local_files.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>

#include "base/crypto.hpp"
#include "support/fake_clock.hpp"
#include "support/run_loop.hpp"
#include "support/whole_body.hpp"

using namespace reeld;
using namespace reeld::reel;

namespace {

namespace fs = std::filesystem;

// A daemon that takes files as the real one does, and may lose its way.
struct SpoolClient final : http::Client {
    http::awaitable<Exchange> send(HttpRequest request, http::RequestOptions) override {
        calls.push_back(request.method + " " + request.url.substr(12));
        Exchange exchange;
        exchange.delivery = Delivery::answered;
        exchange.response.status = 200;
        exchange.response.body = answer(request, exchange.response.status);
        if (lose_next) {
            lose_next = false;
            exchange = Exchange{};
            exchange.error = Error(ErrorCode::unreachable, "gone");
        }
        co_return exchange;
    }
    std::string answer(const HttpRequest& request, int& status) {
        const std::string path = request.url.substr(12);
        if (path.starts_with("/v1/models/")) {
            return R"({"input":{"properties":{"prompt":{"type":"string"},
                "image_url":{"type":"string","format":"uri"},
                "reference_image_urls":{"type":"array",
                    "items":{"type":"string","format":"uri"}}}}})";
        }
        if (path.starts_with("/v1/jobs")) {
            job = request.body;
            return R"({"id":"a","state":"queued"})";
        }
        const std::string sum = path.substr(10, 64);
        std::string& held = files[sum];
        if (request.method == "PUT") {
            const auto offset = std::stoull(path.substr(path.find("offset=") + 7));
            if (offset != held.size()) {
                status = 409;
                return R"({"code":"wrong_offset","detail":"No."})";
            }
            held += request.body;
        }
        const bool whole = sha256_hex(held) == sum;
        return R"({"received":)" + std::to_string(held.size()) + R"(,"path":)" +
               (whole ? "\"/spool/" + sum.substr(0, 4) + "\"" : "null") + "}";
    }
    http::awaitable<Exchange> stream(HttpRequest, http::BodySink&, http::RequestOptions) override {
        co_return Exchange{};
    }
    http::awaitable<Exchange> send_from(HttpRequest, http::BodySource&,
                                        http::RequestOptions) override {
        co_return Exchange{};
    }

    std::map<std::string, std::string> files;
    std::vector<std::string> calls;
    std::string job;
    bool lose_next = false;
};

struct Submitting {
    Submitting() {
        std::string name = (fs::temp_directory_path() / "reel-files-XXXXXX").string();
        folder = fs::canonical(::mkdtemp(name.data())).string();
        before = fs::current_path();
        fs::current_path(folder);
    }
    ~Submitting() {
        fs::current_path(before);
        fs::remove_all(folder);
    }
    void put(const std::string& name, const std::string& bytes) const {
        std::ofstream(folder + "/" + name, std::ios::binary) << bytes;
    }
    Exit run(std::vector<std::string> words) {
        out.clear();
        err.clear();
        words.insert(words.begin(), {"submit", "m/x"});
        const Parsed parsed = parse_arguments(words, "1");
        INFO(parsed.err);
        REQUIRE(parsed.options.has_value());
        const auto files = runtime::make_system_file_system(context.get_executor());
        runtime::TaskGroup tasks(context.get_executor(), nullptr);
        Console console;
        console.out = [this](std::string_view text) { out += text; };
        console.err = [this](std::string_view text) { err += text; };
        console.look_out = console.look_err = [this] {
            Look look;
            look.terminal = terminal;
            return look;
        };
        Session session{*parsed.options, "/sock", "1", client, clock, *files, tasks, console,
                        [this](const std::string&) -> Result<std::string> { return input; }};
        std::optional<Exit> exit;
        boost::asio::co_spawn(context, run_verb(session),
                              [&](const std::exception_ptr& failure, Exit code) {
                                  if (failure) std::rethrow_exception(failure);
                                  exit = code;
                              });
        test::run_until(context, clock, [&] { return exit.has_value(); });
        REQUIRE(exit.has_value());
        return *exit;
    }
    std::string placed(const std::string& bytes) { return "/spool/" + sha256_hex(bytes).substr(0, 4); }
    json::object input_sent() { return parse_json(client.job)->at("input").as_object(); }

    boost::asio::io_context context;
    test::FakeClock clock{context.get_executor()};
    SpoolClient client;
    std::string folder;
    fs::path before;
    std::string input = "{}";
    std::string out;
    std::string err;
    bool terminal = false;
};

}  // namespace

TEST_CASE_FIXTURE(Submitting, "a path where a URL is wanted sends the file and names its place") {
    put("shot.png", "bytes");
    CHECK(run({"prompt=./shot.png", "image_url=./shot.png"}) == Exit::ok);
    CHECK(input_sent().at("image_url") == json::value(placed("bytes")));
    CHECK(input_sent().at("prompt") == "./shot.png");
    CHECK(out == "a\n");
    const std::size_t calls = client.calls.size();
    // The daemon has it: nothing is sent again.
    CHECK(run({"image_url=shot.png", "--no-reuse"}) == Exit::ok);
    CHECK(client.calls.size() == calls + 3);
    CHECK(parse_json(client.job)->at("reuse_uploads") == false);
}

TEST_CASE_FIXTURE(Submitting, "URLs stay as they are") {
    CHECK(run({"image_url=https://x/a.png"}) == Exit::ok);
    CHECK(run({"image_url=data:image/png;base64,AAAA"}) == Exit::ok);
    CHECK(input_sent().at("image_url") == "data:image/png;base64,AAAA");
    CHECK(client.files.empty());
}

TEST_CASE_FIXTURE(Submitting, "files in lists, in an input file, behind ~, links and file:// are found") {
    put("a.png", "a");
    put("b.png", "b");
    fs::create_symlink("a.png", folder + "/link.png");
    const char* home = std::getenv("HOME");
    const std::string kept = home == nullptr ? "" : home;
    ::setenv("HOME", folder.c_str(), 1);
    CHECK(run({R"(reference_image_urls:=["./a.png","https://x/c","~/b.png"])", "prompt=x"}) ==
          Exit::ok);
    ::setenv("HOME", kept.c_str(), 1);
    CHECK(json::serialize(input_sent().at("reference_image_urls")) ==
          "[\"" + placed("a") + "\",\"https://x/c\",\"" + placed("b") + "\"]");
    input = R"({"image_url":"link.png","extra":"file://./b.png"})";
    CHECK(run({"--input", "-"}) == Exit::ok);
    CHECK(input_sent().at("image_url") == json::value(placed("a")));
    CHECK(input_sent().at("extra") == json::value("file://" + placed("b")));
}

TEST_CASE_FIXTURE(Submitting, "a file that cannot be sent is a usage error before anything is") {
    put("empty.png", "");
    ::mkfifo((folder + "/pipe").c_str(), 0600);
    fs::create_directory(folder + "/deep");
    for (const std::string name : {"none.png", "empty.png", "pipe", "deep", "deep/none.png"}) {
        CAPTURE(name);
        CHECK(run({"image_url=./" + name}) == Exit::usage);
        CHECK(err.find("image_url: ./" + name) != std::string::npos);
        CHECK(out.empty());
    }
    CHECK(client.files.empty());
    CHECK(client.job.empty());
}

TEST_CASE_FIXTURE(Submitting, "a large file goes in pieces, and on where it broke off") {
    const std::string large(5'000'000, 'x');
    put("large.png", large);
    const std::string sum = sha256_hex(large);
    client.files[sum] = large.substr(0, 2'500'000);
    client.lose_next = false;
    CHECK(run({"image_url=large.png"}) == Exit::ok);
    CHECK(client.files[sum] == large);
    CHECK(client.calls.at(2).find("offset=2500000") != std::string::npos);
    CHECK(err.empty());
}

TEST_CASE_FIXTURE(Submitting, "progress of a large file is shown on a terminal alone") {
    terminal = true;
    put("large.png", std::string(9'000'000, 'x'));
    CHECK(run({"image_url=large.png"}) == Exit::ok);
    CHECK(err.find("sending large.png:  23%") != std::string::npos);
    CHECK(out == "a\n");
}

TEST_CASE_FIXTURE(Submitting, "a dry run tells of the file and sends no byte of it") {
    put("shot.gif", "GIF89a");
    CHECK(run({"image_url=shot.gif", "--dry-run", "--json"}) == Exit::ok);
    CHECK(client.files.empty());
    const auto job = parse_json(client.job).value();
    CHECK(job.at("input").at("image_url") == json::value(folder + "/shot.gif"));
    const auto& told = job.at("local_files").at(0);
    CHECK(told.at("path") == json::value(folder + "/shot.gif"));
    CHECK(told.at("bytes") == 6);
    CHECK(told.at("sha256") == json::value(sha256_hex("GIF89a")));
}
