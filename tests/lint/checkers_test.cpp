// Goal: every check finds what it is for and lets its clean twin pass, so that a silent check is
// noticed here and not years later.
#include <doctest/doctest.h>

#include <string>

#include "lint/arrows.hpp"
#include "lint/coroutine_traps.hpp"
#include "lint/words.hpp"

using namespace reeld::lint;

namespace {

File file(std::string path, std::string text) { return {std::move(path), std::move(text)}; }

std::size_t trap_count(const std::string& body) {
    return check_coroutine_traps(
               file("lib/engine/x.cpp", "awaitable<void> f() {\n    " + body + "\n}\n"))
        .size();
}

bool includes_freely(std::string path, std::string target) {
    return check_arrows(file(std::move(path), "#include \"" + target + "\"\n")).empty();
}

std::size_t direct_count(std::string code) {
    return check_direct_calls(file("lib/engine/x.cpp", std::move(code))).size();
}

}  // namespace

TEST_CASE("code is kept apart from comments, texts and includes") {
    const std::string text = "#include <rand>\nint a; // rand(\n/* rand( */ b = \"rand(\\\"\"; c = "
                             "R\"x(rand(\n)\")x\"; d = 'r'; e = 1'000;\n";
    const std::string code = code_only(text);
    CHECK(code.size() == text.size());
    CHECK(code.find("rand") == std::string::npos);
    CHECK(code.find("e = 1'000;") != std::string::npos);
    const auto literals = string_literals(text);
    REQUIRE(literals.size() == 2);
    CHECK(literals[0].text == "rand(\\\"");
    CHECK(literals[1].text == "rand(\n)\"");
    CHECK(literals[0].line == 3);
}

TEST_CASE("an arrow that is not in the table is found, one that is passes") {
    CHECK(includes_freely("lib/domain/job.cpp", "base/ids.hpp"));
    CHECK(includes_freely("lib/domain/job.cpp", "domain/job.hpp"));
    CHECK_FALSE(includes_freely("lib/domain/job.cpp", "store/store.hpp"));
    CHECK_FALSE(includes_freely("lib/base/json.cpp", "domain/job.hpp"));
    CHECK_FALSE(includes_freely("lib/http/beast_client.cpp", "provider_api/provider.hpp"));
    CHECK(includes_freely("lib/http/beast_client.cpp", "provider_api/http_message.hpp"));
    CHECK(includes_freely("lib/engine/submitter.cpp", "store/store.hpp"));
    CHECK_FALSE(includes_freely("lib/engine/submitter.cpp", "store/connection.hpp"));
    CHECK_FALSE(includes_freely("lib/engine/submitter.cpp", "providers/registry.hpp"));
    CHECK_FALSE(includes_freely("lib/store/rows.cpp", "runtime/clock.hpp"));
    CHECK_FALSE(includes_freely("lib/sandbox/queue.cpp", "engine/control.hpp"));
    CHECK_FALSE(includes_freely("lib/sandbox/queue.cpp", "domain/job.hpp"));
    CHECK_FALSE(includes_freely("lib/engine/x.cpp", "unknown/x.hpp"));
    CHECK_FALSE(includes_freely("lib/engine/x.cpp", "x.hpp"));
    CHECK_FALSE(includes_freely("lib/newroom/x.cpp", "base/ids.hpp"));
}

TEST_CASE("no provider knows another, and the daemon knows none by name") {
    CHECK(includes_freely("lib/providers/fal/submit.cpp", "providers/fal/hosts.hpp"));
    CHECK_FALSE(includes_freely("lib/providers/fal/submit.cpp", "providers/eachlabs/hosts.hpp"));
    CHECK_FALSE(includes_freely("lib/providers/fal/submit.cpp", "http/client.hpp"));
    CHECK(includes_freely("daemon/reeld/app.cpp", "providers/registry.hpp"));
    CHECK_FALSE(includes_freely("daemon/reeld/app.cpp", "providers/fal/hosts.hpp"));
    CHECK_FALSE(includes_freely("daemon/reel/main.cpp", "store/store.hpp"));
    CHECK(includes_freely("daemon/reel/main.cpp", "reel/arguments.hpp"));
}

TEST_CASE("heavy and foreign libraries stay where they belong") {
    const auto passes = [](std::string path, const std::string& header) {
        return check_libraries(file(std::move(path), "#include <" + header + ">\n")).empty();
    };
    CHECK(passes("lib/http/beast_client.cpp", "boost/beast/http.hpp"));
    CHECK(passes("lib/http/tls.cpp", "boost/beast/core.hpp"));
    CHECK_FALSE(passes("lib/http/client.hpp", "boost/beast/http.hpp"));
    CHECK_FALSE(passes("tests/unit/http/x_test.cpp", "boost/beast/http.hpp"));
    CHECK_FALSE(passes("lib/domain/job.hpp", "boost/asio/awaitable.hpp"));
    CHECK_FALSE(passes("lib/store/rows.hpp", "boost/asio/awaitable.hpp"));
    CHECK(passes("lib/runtime/clock.hpp", "boost/asio/awaitable.hpp"));
    CHECK_FALSE(passes("lib/engine/x.cpp", "SQLiteCpp/Database.h"));
    CHECK_FALSE(passes("lib/engine/x.cpp", "systemd/sd-daemon.h"));
    CHECK(passes("lib/domain/job.hpp", "boost/json/value.hpp"));
}

TEST_CASE("a pure room may not speak of coroutines or sockets") {
    CHECK(check_pure(file("lib/domain/x.cpp", "asio::any_io_executor e;")).size() == 1);
    CHECK(check_pure(file("lib/providers/fal/x.cpp", "co_await f();")).size() == 1);
    CHECK(check_pure(file("lib/store/x.cpp", "boost::beast::x y;")).size() == 1);
    CHECK(check_pure(file("lib/store/x.cpp", "// asio would be wrong\nint asios;")).empty());
    CHECK(check_pure(file("lib/engine/x.cpp", "co_await f();")).empty());
}

TEST_CASE("clocks, randomness and sleep are found whatever they are called through") {
    CHECK(direct_count("auto t = std::chrono::system_clock::now();") == 1);
    CHECK(direct_count("auto t = std::chrono::steady_clock::now();") == 1);
    CHECK(direct_count("std::random_device d;") == 1);
    CHECK(direct_count("std::this_thread::sleep_for(1s);") == 1);
    CHECK(direct_count("int r = std::rand();") == 1);
    CHECK(direct_count("::usleep(5);") == 1);
    CHECK(direct_count("sleep(1);") == 1);
    CHECK(direct_count("return time(nullptr);") == 1);
    CHECK(direct_count("clock_gettime(CLOCK_MONOTONIC, &t);") == 1);
    CHECK(direct_count("co_await clock.sleep_for(1s);") == 0);
    CHECK(direct_count("rng.rand(); clock->sleep(1); row.time(0x1);") == 0);
    CHECK(direct_count("std::mt19937 seeded(7);") == 0);
    CHECK(direct_count("auto operand(int); int x = strand(y);") == 0);
    CHECK(direct_count("Instant time(int); // sleep(1)\n") == 0);
    CHECK(direct_count("say(\"sleep(1)\");") == 0);
    CHECK(check_direct_calls(file("lib/runtime/x.cpp", "std::random_device d;")).empty());
}

TEST_CASE("a task whose exception nobody hears is found") {
    CHECK(check_dropped_tasks(file("lib/engine/x.cpp", "co_spawn(e, f(), asio::detached);")).size() == 1);
    CHECK(check_dropped_tasks(file("lib/engine/x.cpp", "// never detached\nint detached_count;")).empty());
}

TEST_CASE("SQL is found in the strings of lib and daemon, and only there") {
    CHECK(check_sql(file("lib/store/x.cpp", "q(\"SELECT id FROM jobs\");")).size() == 1);
    CHECK(check_sql(file("daemon/reel/x.cpp", "q(R\"(\n  DELETE FROM jobs)\");")).size() == 1);
    CHECK(check_sql(file("lib/store/x.cpp", "q(\"PRAGMA user_version\");")).size() == 1);
    CHECK(check_sql(file("lib/store/x.cpp", "// SELECT\nsay(\"select one, UPDATED\");")).empty());
    CHECK(check_sql(file("tests/unit/store/x_test.cpp", "q(\"SELECT 1\");")).empty());
    CHECK(check_sql(file("lib/store/sql/x.sql", "SELECT 1")).empty());
}

TEST_CASE("marks of unfinished work are found in every kind of file") {
    CHECK(check_marks(file("README.md", "TO" "DO: write")).size() == 1);
    CHECK(check_marks(file("x.cpp", "// FIX" "ME\n// X" "XX\n")).size() == 2);
    CHECK(check_marks(file("x.sh", "mktemp reel.XXXXXX; MASTODONS")).empty());
}

TEST_CASE("paths of one machine are found, relative ones pass") {
    CHECK(check_machine_paths(file("a.sh", "cd /t" "mp/x; cp /wo" "rk/y /ro" "ot/z")).size() == 3);
    CHECK(check_machine_paths(file("a.sh", "cd ./t" "mp/x $dir/wo" "rk/y a/ro" "ot/z")).empty());
}

TEST_CASE("a file too large to review is found") {
    CHECK(check_size(file("a.json", std::string(300 * 1024 + 1, 'x'))).size() == 1);
    CHECK(check_size(file("a.json", std::string(300 * 1024, 'x'))).empty());
}

TEST_CASE("a source that no glob takes is found") {
    const auto built = [](std::string path) {
        return check_is_built(file(std::move(path), "")).empty();
    };
    CHECK(built("lib/store/rows.cpp"));
    CHECK(built("lib/providers/fal/submit.cpp"));
    CHECK(built("lib/providers/fal/fal_test.cpp"));
    CHECK(built("daemon/reeld/main.cpp"));
    CHECK(built("tests/unit/store/x_test.cpp"));
    CHECK(built("tests/bench/x_bench.cpp"));
    CHECK_FALSE(built("lib/store/rows_test.cpp"));
    CHECK_FALSE(built("lib/new_room/x.cpp"));
    CHECK_FALSE(built("lib/providers/fal/deeper/x.cpp"));
    CHECK_FALSE(built("tests/unit/store/x.cpp"));
    CHECK_FALSE(built("tests/unit/x_test.cpp"));
    CHECK_FALSE(built("daemon/x.cpp"));
}

TEST_CASE("a job's state assigned outside of transition() is found") {
    const auto count = [](std::string path, std::string code) {
        return check_state(file(std::move(path), std::move(code))).size();
    };
    const std::string assigned = "job.state = State::queued;\njob->state\n  = State::held;\n";
    CHECK(count("lib/engine/x.cpp", assigned) == 2);
    CHECK(count("lib/domain/x.cpp", assigned) == 2);
    CHECK(count("lib/domain/transition_x.cpp", assigned) == 0);
    CHECK(count("lib/store/rows.cpp", assigned) == 0);
    CHECK(count("lib/engine/x.cpp", "if (job.state == State::queued) state = 1;") == 0);
    const std::string inside = "#include \"domain/transition_steps.hpp\"\n";
    CHECK(count("lib/engine/x.cpp", inside) == 1);
    CHECK(count("tests/unit/domain/x_test.cpp", inside) == 1);
    CHECK(count("lib/domain/transition_x.cpp", inside) == 0);
}

TEST_CASE("a capturing lambda in one statement with co_await is found") {
    CHECK(trap_count("co_await f([shared] { use(shared); });") == 1);
    CHECK(trap_count("co_await f([=] { use(x); });") == 1);
    CHECK(trap_count("co_await f([this] { use(); });") == 1);
    CHECK(trap_count("co_await f([v = std::move(v)]() mutable { use(v); });") == 1);
    CHECK(trap_count("auto r = g(co_await f(1), [&a, b] { return b; });") == 1);
    CHECK(trap_count("co_await [x]() -> awaitable<void> { co_return; }();") == 1);
    CHECK(trap_count("if (co_await f([x] { return x; })) {\n        g();\n    }") == 1);
    CHECK(trap_count("co_spawn(co_await asio::this_coro::executor, [x] { g(x); }, h);") == 1);
}

TEST_CASE("a lambda that is named first, or holds references only, passes") {
    CHECK(trap_count("auto g = [shared] { use(shared); };\n    co_await f(g);") == 0);
    CHECK(trap_count("co_await f([] { use(); });") == 0);
    CHECK(trap_count("co_await f([&] { use(x); });") == 0);
    CHECK(trap_count("co_await f([&x, &y] { use(x, y); });") == 0);
    CHECK(trap_count("const auto [a, b] = co_await f(map[key], v[i](3));") == 0);
    CHECK(trap_count("[[maybe_unused]] auto a = co_await f();") == 0);
    CHECK(trap_count("g([x] { use(x); });\n    co_await f();\n    g([x] { use(x); });") == 0);
    CHECK(trap_count("if (co_await f()) {\n        g([x] { use(x); });\n    }") == 0);
    CHECK(trap_count("for (;;) {\n        co_await f();\n        g([x] { use(x); });\n    }") == 0);
}

TEST_CASE("an aggregate built with named members in one statement with co_await is found") {
    CHECK(trap_count("co_await f(Params{.a = s});") == 1);
    CHECK(trap_count("co_await f({.a = s});") == 1);
    CHECK(trap_count("co_return T{.a = co_await g(), .b = s};") == 1);
    CHECK(trap_count("out.push_back({.a = co_await g()});") == 1);
    CHECK(trap_count("const T t{\n        .a = co_await g()};") == 1);
    CHECK(trap_count("Params p{.a = s};\n    co_await f(std::move(p));") == 0);
    CHECK(trap_count("co_await f(T{1, 2});\n    return_value({.a = s});") == 0);
    CHECK(trap_count("while (co_await f()) {\n        T t{.a = s};\n    }") == 0);
}

TEST_CASE("a capturing lambda that is a coroutine is found in lib and daemon") {
    const std::string text = "auto f = [x](int a) -> runtime::awaitable<void> { co_return; };";
    CHECK(check_lambda_coroutines(file("lib/engine/x.cpp", text)).size() == 1);
    CHECK(check_lambda_coroutines(file("tests/unit/x/x_test.cpp", text)).empty());
    CHECK(check_lambda_coroutines(
              file("lib/engine/x.cpp", "auto f = []() -> awaitable<void> { co_return; };"))
              .empty());
    CHECK(check_lambda_coroutines(file("lib/engine/x.cpp", "auto f = [x] { return x; };")).empty());
}
