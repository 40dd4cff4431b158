#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <deque>
#include <map>

#include "reel/session.hpp"
#include "support/fake_clock.hpp"
#include "support/run_loop.hpp"
#include "support/whole_body.hpp"

using namespace reeld;
using namespace reeld::reel;

namespace {

// Answers from a script: for each call the next answer, the last one for ever.
struct ScriptedClient final : http::Client {
    explicit ScriptedClient(runtime::Clock& on) : clock(on) {}

    http::awaitable<Exchange> send(HttpRequest request, http::RequestOptions options) override {
        CHECK(options.unix_socket == "/sock");
        CHECK(request.url.starts_with("http://reeld"));
        const std::string call = request.method + " " + request.url.substr(12);
        calls.push_back(call);
        last_body = request.body;
        co_return next(call);
    }
    http::awaitable<Exchange> stream(HttpRequest request, http::BodySink& sink,
                                     http::RequestOptions) override {
        const auto* id = request.headers.find("Last-Event-ID");
        resumed.push_back(id == nullptr ? "" : *id);
        Exchange exchange;
        if (!streams.empty()) {
            const std::string text = streams.front();
            streams.pop_front();
            HttpResponse head;
            head.status = 200;
            CHECK(sink.begin(head).has_value());
            CHECK(sink.write(text).has_value());
            co_await clock.sleep_for(Millis{5'000});
        } else {
            co_await clock.sleep_for(Millis{10'000'000});
        }
        exchange.delivery = Delivery::answered;
        co_return exchange;
    }
    http::awaitable<Exchange> send_from(HttpRequest request, http::BodySource& body,
                                        http::RequestOptions options) override {
        return test::send_whole(*this, std::move(request), body, std::move(options));
    }
    Exchange next(const std::string& call) {
        auto& queue = answers[call];
        Exchange exchange;
        exchange.error = Error(ErrorCode::unreachable, "connect");
        if (queue.empty()) return exchange;
        const auto [status, body] = queue.front();
        if (queue.size() > 1) queue.pop_front();
        if (status == 0) return exchange;
        exchange.delivery = Delivery::answered;
        exchange.response.status = status;
        exchange.response.body = body;
        return exchange;
    }

    runtime::Clock& clock;
    std::map<std::string, std::deque<std::pair<int, std::string>>> answers;
    std::deque<std::string> streams;
    std::vector<std::string> calls;
    std::vector<std::string> resumed;
    std::string last_body;
};

std::string job(const std::string& id, const std::string& state, const std::string& reason = {}) {
    return R"({"id":")" + id + R"(","state":")" + state + R"(","reason":")" + reason +
           R"(","model":"m","outputs":[]})" + "\n";
}

std::string problem(const std::string& code, const std::string& more = {}) {
    return R"({"code":")" + code + R"(","detail":"It is so.")" + more + "}\n";
}

struct Command {
    boost::asio::io_context context;
    test::FakeClock clock{context.get_executor()};
    ScriptedClient client{clock};
    std::string out;
    std::string err;
    bool terminal = false;

    Exit run(const std::vector<std::string>& words) {
        out.clear();
        err.clear();
        const Parsed parsed = parse_arguments(words, "1");
        INFO(parsed.err);
        REQUIRE(parsed.options.has_value());
        const auto files = runtime::make_system_file_system(context.get_executor());
        runtime::TaskGroup tasks(context.get_executor(), nullptr);
        Session session{*parsed.options, "/sock", "1", client, clock, *files, tasks, console(),
                        [](const std::string&) -> Result<std::string> {
                            return std::string("{\"a\":1}");
                        }};
        std::optional<Exit> exit;
        boost::asio::co_spawn(context, run_verb(session),
                              [&](const std::exception_ptr& failure, Exit code) {
                                  if (failure) std::rethrow_exception(failure);
                                  exit = code;
                              });
        test::run_until(context, clock, [&] { return exit.has_value(); });
        tasks.stop();
        test::settle(context);
        REQUIRE(exit.has_value());
        return *exit;
    }
    Console console() {
        Console made;
        made.out = [this](std::string_view text) { out += text; };
        made.err = [this](std::string_view text) { err += text; };
        made.look_out = made.look_err = [this] {
            Look look;
            look.terminal = terminal;
            return look;
        };
        return made;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Command, "submit sends what was given and prints the id") {
    client.answers["POST /v1/jobs"] = {{201, job("a", "queued")}};
    CHECK(run({"submit", "m", "p=x", "--input", "f", "--label", "k=v", "--not-before", "1s"}) ==
          Exit::ok);
    CHECK(out == "a\n");
    CHECK(err.empty());
    CHECK(client.last_body == R"({"model":"m","input":{"a":1,"p":"x"},"labels":{"k":"v"},)"
                              R"("not_before":")" +
                                  to_rfc3339(clock.now() + Millis{1000}) + "\"}");
    CHECK(run({"submit", "m", "--json"}) == Exit::ok);
    CHECK(out == job("a", "queued"));
    CHECK(run({"submit", "m", "word"}) == Exit::usage);
    CHECK(out.empty());
}

TEST_CASE_FIXTURE(Command, "refusals end in their exit codes and say what to do") {
    const std::vector<std::tuple<int, std::string, Exit>> refusals{
        {404, "not_found", Exit::not_found},  {409, "conflict", Exit::conflict},
        {409, "ambiguous", Exit::conflict},   {422, "invalid_job", Exit::usage},
        {400, "malformed_json", Exit::usage}, {507, "disk_full", Exit::disk},
        {402, "budget", Exit::budget},        {401, "credentials", Exit::credentials},
        {503, "provider_unavailable", Exit::provider_unavailable},
        {500, "internal", Exit::error},       {503, "busy", Exit::error}};
    for (const auto& one : refusals) {
        const auto& status = std::get<0>(one);
        const std::string& code = std::get<1>(one);
        const Exit exit = std::get<2>(one);
        CAPTURE(code);
        client.answers["GET /v1/jobs/a"] = {{status, problem(code)}};
        CHECK(run({"show", "a"}) == exit);
        CHECK(out.empty());
        CHECK(err.starts_with("reel: It is so."));
        CHECK(run({"show", "a", "--json"}) == exit);
        CHECK(out == problem(code));
    }
    client.answers["GET /v1/jobs/a"] = {{0, ""}};
    CHECK(run({"show", "a"}) == Exit::unreachable);
    CHECK(err.find("--socket") != std::string::npos);
    client.answers["GET /v1/jobs/a"] = {{502, "<html>"}};
    CHECK(run({"show", "a"}) == Exit::error);
}

TEST_CASE_FIXTURE(Command, "field errors are told line by line, candidates are listed") {
    client.answers["POST /v1/jobs"] = {
        {422, problem("invalid_job", R"(,"errors":[{"index":0,"field":"model","message":"no"}])")}};
    CHECK(run({"submit", "m"}) == Exit::usage);
    CHECK(err == "reel: It is so.\n  model: no\n");
    client.answers["POST /v1/jobs/a/cancel"] = {
        {409, problem("ambiguous", R"(,"candidates":["a1","a2"])")}};
    CHECK(run({"cancel", "a"}) == Exit::conflict);
    CHECK(err.find("It may be a1, a2") != std::string::npos);
}

TEST_CASE_FIXTURE(Command, "an action goes on after a failure and ends in its code") {
    client.answers["POST /v1/jobs/a/hold"] = {{404, problem("not_found")}};
    client.answers["POST /v1/jobs/b/hold"] = {{200, job("b", "held", "user")}};
    CHECK(run({"hold", "a", "b"}) == Exit::not_found);
    CHECK(out == "b\theld\tuser\t\n");
}

TEST_CASE_FIXTURE(Command, "ls passes its filters on, and --all walks the pages") {
    client.answers["GET /v1/jobs?state=failed%2Cheld&batch=b%20c&label.k=v&limit=500"] = {
        {200, R"({"jobs":[)" + job("a", "failed") + R"(],"next_cursor":"n"})"}};
    client.answers["GET /v1/jobs?state=failed%2Cheld&batch=b%20c&label.k=v&limit=500&cursor=n"] = {
        {200, R"({"jobs":[)" + job("b", "failed") +
                  R"(],"next_cursor":null,"money":{"spent_usd":0.54,"submits":2}})"}};
    CHECK(run({"ls", "--state", "failed,held", "--batch", "b c", "--label", "k=v", "--all"}) ==
          Exit::ok);
    CHECK(out == "a\tfailed\t\tm\t\t\t\t\t\nb\tfailed\t\tm\t\t\t\t\t\n");
    CHECK(err.find("b c: spent $0.54 in 2 submits\n") != std::string::npos);
    CHECK(run({"ls", "--label", "k"}) == Exit::usage);
}

TEST_CASE_FIXTURE(Command, "wait ends with the last job, in 7 when one did not complete") {
    client.answers["GET /v1/jobs/a"] = {{200, job("a", "running")}, {200, job("a", "completed")}};
    client.answers["GET /v1/jobs/b"] = {{200, job("b", "queued")}, {200, job("b", "failed", "deadline")}};
    client.streams = {"id: 1\nevent: state\ndata: {\"job\":\"a\"}\n\n"};
    CHECK(run({"wait", "a", "b"}) == Exit::some_failed);
    CHECK(out == "a\tcompleted\t\t\nb\tfailed\tdeadline\t\n");
    client.answers["GET /v1/jobs/b"] = {{200, job("b", "running")}};
    CHECK(run({"wait", "a", "b", "--any"}) == Exit::ok);
    CHECK(run({"wait", "a", "--json"}) == Exit::ok);
    CHECK(out == job("a", "completed"));
}

TEST_CASE_FIXTURE(Command, "wait ends in 8 when the time is up, and the jobs go on") {
    client.answers["GET /v1/jobs/a"] = {{200, job("a", "running")}};
    const Millis start = clock.monotonic();
    CHECK(run({"wait", "a", "--timeout", "90s"}) == Exit::timed_out);
    CHECK(clock.monotonic() - start >= Millis{90'000});
    CHECK(clock.monotonic() - start < Millis{95'000});
    CHECK(out == "a\trunning\t\t\n");
}

TEST_CASE_FIXTURE(Command, "wait outlives a restart of the daemon and resumes its stream") {
    client.answers["POST /v1/jobs"] = {{201, job("a", "queued")}};
    client.answers["GET /v1/jobs/a"] = {{200, job("a", "queued")},  {200, job("a", "running")},
                                        {0, ""},                    {503, problem("stopping")},
                                        {0, ""},                    {200, job("a", "completed")}};
    client.streams = {"id: 41\n\n", "id: 42\nevent: state\ndata: {\"job\":\"a\"}\n\n", "id: 43\n\n"};
    CHECK(run({"submit", "m", "--wait"}) == Exit::ok);
    CHECK(out == "a\tcompleted\t\t\n");
    CHECK(err.find("waiting for it") != std::string::npos);
    REQUIRE(client.resumed.size() >= 2);
    CHECK(client.resumed[0] == "");
    CHECK(client.resumed[1] == "41");
}

TEST_CASE_FIXTURE(Command, "waiting for what is not there ends at once") {
    client.answers["GET /v1/jobs/zz"] = {{404, problem("not_found")}};
    CHECK(run({"wait", "zz"}) == Exit::not_found);
    client.answers["GET /v1/jobs?batch=none&limit=500"] = {
        {200, R"({"jobs":[],"next_cursor":null})"}};
    CHECK(run({"wait", "--batch", "none"}) == Exit::not_found);
}

TEST_CASE_FIXTURE(Command, "watch prints a line for each change in a pipe, a live table else") {
    client.answers["GET /v1/jobs/a"] = {{200, job("a", "running")}, {200, job("a", "running")},
                                        {200, job("a", "completed")}};
    CHECK(run({"watch", "a"}) == Exit::ok);
    CHECK(out == "a\trunning\t\t\na\tcompleted\t\t\n");
    client.answers["GET /v1/jobs/a"] = {{200, job("a", "running")}, {200, job("a", "completed")}};
    terminal = true;
    CHECK(run({"watch", "a"}) == Exit::ok);
    CHECK(out.starts_with("\x1b[?25l"));
    CHECK(out.find("\x1b[?25h") != std::string::npos);
    CHECK(out.find("▶ running") != std::string::npos);
}

TEST_CASE_FIXTURE(Command, "watch without ids streams every change until its time is up") {
    client.answers["GET /v1/status"] = {{200, "{}"}};
    client.streams = {"id: 1\nevent: state\ndata: {\"job\":\"a\",\"at\":\"T\",\"to\":\"queued\"}\n\n"};
    CHECK(run({"watch", "--timeout", "3s"}) == Exit::timed_out);
    CHECK(out == "T\ta\t\tqueued\t\t\n");
}

namespace {

const std::string one_model = R"({"id":"a/b","title":"Ab","provider":"fal","output":"video",
    "typical_seconds":240,"price":{"text":"$0.28 a job","sure":true,"note":null},"source":null,
    "fields":[{"name":"prompt","required":true,"type":"string","default":null,
               "takes":"a text of at most 9 characters","description":"What happens"},
              {"name":"seconds","required":false,"type":"integer","default":5,
               "takes":"a whole number of at least 1","description":null}],
    "input":{"properties":{"prompt":{"type":"string"},"seconds":{"type":"integer"},
             "fast":{"type":"boolean"},"frames":{"type":"array"},"size":{"enum":[1,"1x"]}}},
    "example":{"prompt":"it's a fox","seconds":5,"frames":[1]},"advice":["Be short."]})";

}  // namespace

TEST_CASE_FIXTURE(Command, "models lists what the daemon knows, and names files that are not used") {
    const std::string list =
        R"({"models":[)" + one_model + R"(],"mistakes":["/m/bad.json: not JSON"]})";
    client.answers["GET /v1/models"] = {{200, list}};
    CHECK(run({"models"}) == Exit::ok);
    CHECK(out == "a/b\tvideo\t$0.28 a job\t240\tfal\tAb\n");
    CHECK(err == "not used: /m/bad.json: not JSON\n");
    terminal = true;
    CHECK(run({"models"}) == Exit::ok);
    CHECK(out.find("a/b    video  ~4m   $0.28 a job") != std::string::npos);
    CHECK(run({"models", "--json"}) == Exit::ok);
    CHECK(out == list);
}

TEST_CASE_FIXTURE(Command, "a model is told with its members, its price and a command to paste") {
    client.answers["GET /v1/models/a%2Fb"] = {{200, one_model}};
    CHECK(run({"models", "a/b"}) == Exit::ok);
    CHECK(out ==
          "a/b\nAb: gives video, runs for ~4m. Provider: fal.\nprice: $0.28 a job\n\n"
          "prompt\trequired\t\ta text of at most 9 characters: What happens\n"
          "seconds\toptional\t5\ta whole number of at least 1\n\nexample:\n"
          "  reel submit a/b prompt='it'\\''s a fox' seconds=5 frames:='[1]'\n\nadvice:\n"
          "  Be short.\n");
    const std::string told = out;
    CHECK(run({"submit", "a/b", "--help"}) == Exit::ok);
    CHECK(out == told);
    CHECK(client.last_body.empty());
    client.answers["GET /v1/models/a%2Fc"] = {{404, problem("not_found", R"(,"candidates":["a/b"])")}};
    CHECK(run({"models", "a/c"}) == Exit::not_found);
    CHECK(err.find("It may be a/b") != std::string::npos);
    CHECK(run({"submit", "a/c", "--help"}) == Exit::ok);
    CHECK(out.find("key:=JSON") != std::string::npos);
}

TEST_CASE_FIXTURE(Command, "words take the types that the model's schema wants") {
    client.answers["GET /v1/models/a%2Fb"] = {{200, one_model}};
    client.answers["POST /v1/jobs"] = {{201, job("a", "queued")}};
    CHECK(run({"submit", "a/b", "prompt=7", "seconds=5", "fast=true", "frames=[1,2]", "size=1",
               "other=8", "--unchecked"}) == Exit::ok);
    CHECK(client.last_body == R"({"model":"a/b","input":{"prompt":"7","seconds":5,"fast":true,)"
                              R"("frames":[1,2],"size":1,"other":"8"},"unchecked":true})");
    // What cannot be meant so is the daemon's to refuse.
    CHECK(run({"submit", "a/b", "prompt:=7", "seconds=five", "fast=1", "size=1x"}) == Exit::ok);
    CHECK(client.last_body == R"({"model":"a/b","input":{"prompt":7,"seconds":"five","fast":"1",)"
                              R"("size":"1x"}})");
}

TEST_CASE_FIXTURE(Command, "a dry run tells what would be done") {
    client.answers["POST /v1/jobs?dry_run=true"] = {
        {200, R"({"dry_run":true,"model":"a/b","provider":"fal","id":null,"exists":false,
                  "checked":true,"input":{"prompt":"x"},"defaults":{"duration":"6"},
                  "estimate":{"usd":0.27,"sure":false,"basis":"so it is"},
                  "path":"/o/{id}.mp4","warnings":["be longer"]})"}};
    CHECK(run({"submit", "a/b", "--dry-run"}) == Exit::ok);
    CHECK(out ==
          "model\ta/b\nprovider\tfal\ncheck\tthe input is right\nsends\tprompt = \"x\"\n"
          "default\tduration = \"6\"\ncost\t~$0.27 (so it is)\nfile\t/o/{id}.mp4\n"
          "advice\tbe longer\n");
    CHECK(err == "Nothing was submitted.\n");
}

TEST_CASE_FIXTURE(Command, "doctor tells of a daemon that is not there") {
    CHECK(run({"doctor"}) == Exit::unreachable);
    CHECK(out.starts_with("failed\tsocket\t"));
    CHECK(run({"doctor", "--json"}) == Exit::unreachable);
    CHECK(parse_json(out).value().as_object().contains("findings"));
}

TEST_CASE_FIXTURE(Command, "adopt sends the request's id and prints the job") {
    client.answers["POST /v1/jobs/a/adopt"] = {{200, job("a", "submitted")}};
    CHECK(run({"adopt", "a", "r-1"}) == Exit::ok);
    CHECK(client.last_body == R"({"request_id":"r-1"})");
    CHECK(out == "a\tsubmitted\t\t\n");
    CHECK(run({"adopt", "a", "r-1", "--json"}) == Exit::ok);
    CHECK(out == job("a", "submitted"));
}

TEST_CASE_FIXTURE(Command, "adopt ends in the code of what stands against it") {
    const std::vector<std::tuple<int, std::string, Exit>> refusals{
        {404, "not_found", Exit::not_found},
        {409, "conflict", Exit::conflict},
        {422, "invalid_request", Exit::usage},
        {503, "provider_unavailable", Exit::provider_unavailable}};
    for (const auto& one : refusals) {
        client.answers["POST /v1/jobs/a/adopt"] = {{std::get<0>(one), problem(std::get<1>(one))}};
        CHECK(run({"adopt", "a", "r-1"}) == std::get<2>(one));
        CHECK(out.empty());
    }
    CHECK(parse_arguments({"adopt", "a"}, "1").exit == Exit::usage);
    CHECK(parse_arguments({"adopt", "a", "r", "x"}, "1").exit == Exit::usage);
}

TEST_CASE_FIXTURE(Command, "backup asks for an absolute path and prints what was copied") {
    client.answers["POST /v1/backup"] = {
        {201, R"({"path":"/b/a.db","bytes":4096,"jobs":3,"events":9,"sha256":"5e","inbox_path":null})"}};
    CHECK(run({"backup", "/b/./a.db"}) == Exit::ok);
    CHECK(client.last_body == R"({"path":"/b/a.db"})");
    CHECK(out == "/b/a.db\t4096\t3\t9\t5e\t\n");
    CHECK(run({"backup", "a.db"}) == Exit::ok);
    CHECK(client.last_body.find(R"({"path":"/)") == 0);
    terminal = true;
    CHECK(run({"backup", "/b/a.db"}) == Exit::ok);
    CHECK(out.find("3 jobs, 9 events") != std::string::npos);
}

TEST_CASE_FIXTURE(Command, "a backup over a file is a conflict, over a full disk a matter of the disk") {
    client.answers["POST /v1/backup"] = {{409, problem("file_exists")}};
    CHECK(run({"backup", "/b/a.db"}) == Exit::conflict);
    client.answers["POST /v1/backup"] = {{507, problem("disk_full")}};
    CHECK(run({"backup", "/b/a.db"}) == Exit::disk);
    client.answers["POST /v1/backup"] = {{422, problem("no_such_folder")}};
    CHECK(run({"backup", "/b/a.db"}) == Exit::usage);
}
