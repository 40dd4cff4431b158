#include <doctest/doctest.h>

#include "reel/diagnosis.hpp"
#include "reel/live.hpp"
#include "reel/render_job.hpp"
#include "reel/render_status.hpp"
#include "base/sse_reader.hpp"

using namespace reeld;
using namespace reeld::reel;

namespace {

const Instant now = *parse_rfc3339("2026-11-21T08:10:00Z");

Look terminal(int width = 100) {
    Look look;
    look.terminal = true;
    look.width = width;
    look.now = now;
    return look;
}
Look pipe() {
    Look look;
    look.now = now;
    return look;
}

json::object object(std::string_view text) { return parse_json(text).value().as_object(); }

const json::object running = object(R"({"id":"019aa1c2-0000-7000-8000-000000000001",
  "model":"fal-ai/m","input":{"prompt":"x"},"batch":"night","state":"running","reason":null,
  "progress":0.5,"outputs":[],"cost_usd":null,"error":null,
  "created_at":"2026-11-21T08:00:00.000Z"})");
const json::object done = object(R"({"id":"fox-1","model":"fal-ai/m","input":{},"batch":null,
  "state":"completed","reason":null,"progress":null,"cost_usd":0.27,"error":null,
  "outputs":[{"url":"https://m/a.mp4","path":"/out/fox-1.mp4","bytes":2048,"sha256":"ab",
  "content_type":"video/mp4"}],"created_at":"2026-11-21T07:09:00.000Z"})");
const json::object failed = object(R"({"id":"fox-2","model":"fal-ai/m","batch":null,
  "state":"failed","reason":"content_policy","outputs":[],"created_at":"2026-11-21T08:09:50.000Z",
  "error":{"code":"content_policy_violation","message":"no\u001b[31m foxes"}})");

}  // namespace

TEST_CASE("a list is an aligned table on a terminal") {
    CHECK(render_list({running, done, failed}, terminal()) ==
          "STATE        ID        MODEL     BATCH      AGE   COST  DETAIL\n"
          "▶ running    019aa1c2  fal-ai/m  night  10m ago         [#####.....]  50%\n"
          "✓ completed  fox-1     fal-ai/m          1h ago  $0.27  2.0 KiB\n"
          "✗ failed     fox-2     fal-ai/m         10s ago         content_policy\n");
}

TEST_CASE("a list is tab-separated with whole ids in a pipe") {
    CHECK(render_list({running, done}, pipe()) ==
          "019aa1c2-0000-7000-8000-000000000001\trunning\t\tfal-ai/m\tnight\t"
          "2026-11-21T08:00:00.000Z\t0.5\t\t\n"
          "fox-1\tcompleted\t\tfal-ai/m\t\t2026-11-21T07:09:00.000Z\t\t0.27\t/out/fox-1.mp4\n");
}

TEST_CASE("a narrow terminal shortens the model, and colour does not move columns") {
    json::object wide = running;
    wide["model"] = "fal-ai/minimax/hailuo-02/standard/image-to-video";
    const std::string text = render_list({wide}, terminal(80));
    std::size_t at = 0;
    while (at < text.size()) {
        const auto end = text.find('\n', at);
        CHECK(columns(text.substr(at, end - at)) <= 80);
        at = end + 1;
    }
    CHECK(text.find("…") != std::string::npos);
    Look colour = terminal();
    colour.colour = true;
    CHECK(render_list({done}, colour).find("\x1b[32m✓ completed\x1b[0m  fox-1") !=
          std::string::npos);
}

TEST_CASE("control characters of a job never reach the terminal or break a row") {
    CHECK(clean("a\tb\nc\x1b[31m\x7f\xC2\x9B" "1") == "a b c [31m  1");
    CHECK(render_job(failed, terminal()).find('\x1b') == std::string::npos);
    CHECK(render_job(failed, pipe()).find("error\tcontent_policy_violation: no [31m foxes\n") !=
          std::string::npos);
}

TEST_CASE("short ids are the shortest that tell the jobs apart") {
    const auto job = [](const std::string& id) { return json::object{{"id", id}}; };
    const auto ids = short_ids({job("019aa1c2-0000-7000-8000-000000000001"),
                                job("019aa1c2-0000-7000-8fff-000000000001"),
                                job("119aa1c2-0000-7000-8000-000000000001"), job("a-name-of-12")});
    CHECK(ids == std::vector<std::string>{"019aa1c2-0000-7000-80", "019aa1c2-0000-7000-8f",
                                          "119aa1c2", "a-name-of-12"});
}

TEST_CASE("one job shows all of its members, its files with size on a terminal") {
    const std::string text = render_job(done, terminal());
    CHECK(text.find("state           ✓ completed\n") != std::string::npos);
    CHECK(text.find("file            /out/fox-1.mp4  2.0 KiB  video/mp4\n") != std::string::npos);
    CHECK(text.find("created_at      2026-11-21T07:09:00.000Z (1h ago)\n") != std::string::npos);
    CHECK(text.find("batch") == std::string::npos);
    CHECK(render_job(done, pipe()).find("file\t/out/fox-1.mp4\n") != std::string::npos);
    CHECK(render_outcome(failed) == "fox-2\tfailed\tcontent_policy\t\n");
}

TEST_CASE("the trail shows changes of state as arrows") {
    const auto events = parse_json(R"([
      {"at":"T1","event":"created","from":null,"to":"queued","reason":null,"note":null},
      {"at":"T2","event":"admitted","from":"queued","to":"submitting","reason":null,"note":"n"}])");
    CHECK(render_events(events->as_array(), terminal()) ==
          "AT  EVENT     STATE                NOTE\n"
          "T1  created   queued\n"
          "T2  admitted  queued → submitting  n\n");
    CHECK(render_events(events->as_array(), pipe()) ==
          "T1\tcreated\t\tqueued\t\t\nT2\tadmitted\tqueued\tsubmitting\t\tn\n");
}

TEST_CASE("a trail of one day tells the day once, and no note is cut off") {
    const auto events = parse_json(R"([
      {"at":"2026-11-21T08:10:00.123Z","event":"created","from":null,"to":"queued",
       "reason":null,"note":null},
      {"at":"2026-11-21T08:10:01.000Z","event":"admitted","from":"queued","to":"submitting",
       "reason":null,"note":"the intent is durable"}])");
    CHECK(render_events(events->as_array(), terminal(80)) ==
          "2026-11-21     EVENT     STATE                NOTE\n"
          "08:10:00.123Z  created   queued\n"
          "08:10:01.000Z  admitted  queued → submitting  the intent is durable\n");
    CHECK(render_events(events->as_array(), terminal(60)) ==
          "2026-11-21     EVENT     STATE\n"
          "08:10:00.123Z  created   queued\n"
          "08:10:01.000Z  admitted  queued → submitting\n"
          "    the intent is durable\n");
}

TEST_CASE("a column that is empty in every row takes no room") {
    json::object plain = failed;
    plain["cost_usd"] = nullptr;
    CHECK(render_list({plain}, terminal()) ==
          "STATE     ID     MODEL         AGE  DETAIL\n"
          "✗ failed  fox-2  fal-ai/m  10s ago  content_policy\n");
}

TEST_CASE("a job without progress tells how long it is at the provider") {
    json::object quiet = running;
    quiet["progress"] = nullptr;
    quiet["submitted_at"] = "2026-11-21T08:09:18.000Z";
    CHECK(render_list({quiet}, terminal()).find("for 42s") != std::string::npos);
    json::object later = failed;
    later["state"] = "scheduled";
    later["reason"] = "not_before";
    later["not_before"] = "2026-11-21T10:10:00.000Z";
    CHECK(render_list({later}, terminal()).find("starts in 2h") != std::string::npos);
}

TEST_CASE("the live table fits the terminal and sums up by state") {
    Look small = terminal();
    small.height = 6;
    const auto lines = render_live({done, failed, running}, small);
    REQUIRE(lines.size() == 4);
    CHECK(lines[1].find("running") != std::string::npos);
    CHECK(lines.back() == "3 jobs  ▶ 1 running  ✓ 1 completed  ✗ 1 failed");
    CHECK(can_redraw(terminal()));
    CHECK_FALSE(can_redraw(terminal(40)));
    CHECK_FALSE(can_redraw(pipe()));
}

TEST_CASE("a live display redraws over itself and gives the cursor back") {
    std::string out;
    {
        Live live([&](std::string_view text) { out += text; });
        live.draw({"a", "b"});
        live.draw({"c"});
    }
    CHECK(out == "\x1b[?25l\x1b[2Ka\n\x1b[2Kb\n\x1b[J\x1b[2F\x1b[2Kc\n\x1b[J\x1b[?25h");
}

TEST_CASE("progress is a bar, or the place in line") {
    CHECK(render_progress(object(R"({"state":"running","progress":1.7})")) ==
          "[##########] 100%");
    CHECK(render_progress(object(R"({"state":"submitted","queue_position":3})")) ==
          "3 ahead in line");
    CHECK(render_progress(object(R"({"state":"running","queue_position":3})")).empty());
}

TEST_CASE("the status shows providers, errors and what limits them") {
    const auto status = object(R"({"version":"1.2.3","uptime_s":3700,
      "counts":{"queued":2,"failed":0},"downloads":{"active":1,"concurrency":4},
      "disk":{"low":false,"free_bytes":1073741824},"outputs":"/out","webhook":null,
      "providers":[{"name":"fal","health":"limited","message":null,"has_key":false,"in_hand":1,
        "concurrency":8,"queued":2,"limited_until":"2026-11-21T08:10:30.000Z","last_error":null}],
      "last_errors":[{"at":"2026-11-21T08:09:00.000Z","job":"a","code":"timeout","message":"m"}]})");
    const std::string text = render_status(status, terminal());
    CHECK(text.find("jobs        · 2 queued\n") != std::string::npos);
    CHECK(text.find("uptime      61m40s\n") != std::string::npos);
    CHECK(text.find("fal       ◷ limited      1/8       2  no key configured; limited, again in 30s") !=
          std::string::npos);
    CHECK(text.find("1m ago       a    timeout  m\n") != std::string::npos);
    CHECK(text.find("none: results are polled for") != std::string::npos);
    CHECK(render_status(status, pipe()).find("provider.fal\tlimited\t1/8\t2\t") !=
          std::string::npos);
}

TEST_CASE("events are read from any pieces; an id alone moves the cursor") {
    SseReader reader;
    CHECK(reader.feed("retry: 1\nid: 4\n\n: hi\nid: 5\r\nev").empty());
    CHECK(reader.last_id() == "4");
    const auto events = reader.feed("ent: state\ndata: {\ndata:}\n\nid: 6\nda");
    REQUIRE(events.size() == 1);
    CHECK(events[0].id == "5");
    CHECK(events[0].event == "state");
    CHECK(events[0].data == "{\n}");
    // What was cut off is not believed.
    reader.reset();
    CHECK(reader.last_id() == "5");
    CHECK(reader.feed("ta: x\n\n").empty());
    CHECK(reader.feed("data: y\n\n").at(0).id == "5");
}

TEST_CASE("the doctor finds nothing wrong with a healthy daemon") {
    Observation seen;
    seen.version = "1.2.3";
    seen.now = now;
    seen.date = "Sat, 21 Nov 2026 08:09:59 GMT";
    seen.status = object(R"({"version":"1.2.3","outputs":"/out",
      "disk":{"low":false,"free_bytes":1024},"webhook":{"listen":"x","public_url":"https://h"},
      "providers":[{"name":"fal","health":"ok","has_key":true,"key":"accepted",
                    "clock_ahead_ms":900}]})");
    seen.webhook = Probe{true, 404, ""};
    const auto findings = diagnose(seen);
    CHECK(exit_of(findings) == Exit::ok);
    for (const auto& finding : findings) CHECK(finding.verdict == Verdict::ok);

    SUBCASE("and names a model's file that was left out") {
        seen.status["catalogue"] = json::object{
            {"models", 54}, {"mistakes", json::array{"/etc/reeld/models/a.json: id: is missing"}}};
        const auto all = diagnose(seen);
        CHECK(all.back().check == "catalogue");
        CHECK(all.back().verdict == Verdict::warning);
        CHECK(all.back().detail == "/etc/reeld/models/a.json: id: is missing");
        CHECK(exit_of(all) == Exit::ok);
    }
    SUBCASE("and names what is, with a remedy and a code") {
        seen.version = "1.2.4";
        seen.date = "Sat, 21 Nov 2026 08:00:00 GMT";
        seen.webhook = Probe{true, 502, ""};
        seen.status["disk"] = json::object{{"low", true}, {"free_bytes", 1}};
        seen.status["providers"] =
            parse_json(R"([{"name":"fal","health":"paused","has_key":false}])").value();
        int bad = 0;
        for (const auto& finding : diagnose(seen)) {
            if (finding.verdict == Verdict::ok) continue;
            ++bad;
            CHECK_FALSE(finding.remedy.empty());
        }
        CHECK(bad == 6);
    }
    SUBCASE("and tells a refused key, a wrong clock and a folder that cannot be written") {
        seen.status["outputs_trouble"] = "permission denied";
        seen.status["providers"] =
            parse_json(R"([{"name":"fal","health":"ok","has_key":true,"key":"refused",
                            "clock_ahead_ms":-400000}])")
                .value();
        std::string names;
        for (const auto& finding : diagnose(seen)) {
            if (finding.verdict == Verdict::failed) names += finding.check + " ";
        }
        CHECK(names == "key_fal clock_fal outputs ");
    }
    SUBCASE("and takes the cause of the first failure for its exit code") {
        seen.status["disk"] = json::object{{"low", true}, {"free_bytes", 1}};
        CHECK(exit_of(diagnose(seen)) == Exit::disk);
        seen.status["providers"] =
            parse_json(R"([{"name":"fal","health":"failing","has_key":true}])").value();
        CHECK(exit_of(diagnose(seen)) == Exit::provider_unavailable);
    }
    SUBCASE("and says when there is no daemon at all") {
        seen.failure = Failure(Exit::unreachable, "m", "h");
        const auto alone = diagnose(seen);
        CHECK(alone.size() == 1);
        CHECK(exit_of(alone) == Exit::unreachable);
        CHECK(render_findings(alone, pipe()).starts_with("failed\tsocket\t"));
    }
}

TEST_CASE("only public https addresses are probed") {
    CHECK(is_public_url("https://hooks.example.com/x"));
    CHECK_FALSE(is_public_url("http://hooks.example.com"));
    CHECK_FALSE(is_public_url("https://localhost"));
    CHECK_FALSE(is_public_url("https://127.0.0.1:8460"));
    CHECK_FALSE(is_public_url("https://10.0.0.1"));
    CHECK_FALSE(is_public_url(""));
}

TEST_CASE("an undecided submit is told with what is known, what comes and what each choice costs") {
    json::object job = object(R"({"id":"fox-3","model":"fal-ai/m","state":"held",
      "reason":"submit_unknown","unknown":{"attempt":1,"sent_at":"2026-11-21T08:00:00.000Z",
      "answer":"timeout","answer_detail":"no answer","until":null,"policy":"hold","webhook":true,
      "webhooks":0,"searches":9,"last_search_at":"2026-11-21T08:09:00.000Z","pages":1,
      "last_search":"2 requests of the history may be it: r-1, r-2",
      "candidates":[{"request_id":"r-1","sent_at":"2026-11-21T08:00:01.000Z"},
                    {"request_id":"r-2","sent_at":null}],
      "paid_at_most":1,"max_attempts":5}})");
    const std::string text = render_job(job, terminal());
    for (const char* part :
         {"attempt 1, 2026-11-21T08:00:00.000Z (10m ago), to fal-ai/m",
          "none that can be used: timeout (no answer)", "webhook         none yet",
          "searched 9 times, last 2026-11-21T08:09:00.000Z (1m ago), 1 page: 2 requests of",
          "candidate       r-1, sent 2026-11-21T08:00:01.000Z (9m ago)", "candidate       r-2\n",
          "searched every hour", "wait: costs nothing", "reel adopt fox-3 REQUEST_ID: follow",
          "reel release fox-3: submit again; 1 may be billed already, then up to 2 (5 allowed",
          "reel cancel fox-3: give up; pays at most the 1 sent already"}) {
        CAPTURE(part);
        CHECK(text.find(part) != std::string::npos);
    }
    CHECK(text.find("unknown  ") == std::string::npos);
    const std::string piped = render_job(job, pipe());
    CHECK(piped.find("candidate\tr-1, sent 2026-11-21T08:00:01.000Z\n") != std::string::npos);
    CHECK(piped.find("choice\treel adopt fox-3 REQUEST_ID") != std::string::npos);
}

TEST_CASE("while the search goes on its end and what follows are told, and no release is offered") {
    json::object job = object(R"({"id":"fox-4","model":"fal-ai/m","state":"submit_unknown",
      "reason":"reset","unknown":{"attempt":2,"sent_at":"2026-11-21T08:00:00.000Z",
      "answer":"reset","answer_detail":null,"until":"2026-11-21T08:15:00.000Z","policy":"resubmit",
      "webhook":false,"webhooks":0,"searches":0,"candidates":[],"paid_at_most":2,
      "max_attempts":5}})");
    const std::string text = render_job(job, terminal());
    CHECK(text.find("until 2026-11-21T08:15:00.000Z") != std::string::npos);
    CHECK(text.find("then it is submitted again if nothing was found") != std::string::npos);
    CHECK(text.find("not searched yet") != std::string::npos);
    CHECK(text.find("polling only") != std::string::npos);
    CHECK(text.find("reel release") == std::string::npos);
}

TEST_CASE("submits that are billed besides the one that is followed are told") {
    json::object job = object(R"({"id":"fox-5","state":"completed","also_billed":[
      {"attempt":1,"outcome":"also_billed","request_id":"r-1","sent_at":"2026-11-21T08:00:00.000Z"},
      {"attempt":2,"outcome":"unknown","request_id":null,"sent_at":"2026-11-21T08:01:00.000Z"}]})");
    const std::string text = render_job(job, pipe());
    CHECK(text.find("also billed\tattempt 1, sent 2026-11-21T08:00:00.000Z, request r-1, exists at "
                    "the provider: also billed\n") != std::string::npos);
    CHECK(text.find("also billed\tattempt 2, sent 2026-11-21T08:01:00.000Z, outcome unknown: may be "
                    "billed as well\n") != std::string::npos);
}
