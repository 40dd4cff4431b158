#include "reel/render_verify.hpp"

#include <doctest/doctest.h>

#include "reel/arguments.hpp"

using namespace reeld;
using namespace reeld::reel;

namespace {

json::object document(const std::string& text) { return parse_json(text)->as_object(); }

const std::string broken = R"({"ok":false,"head":{"id":12,"hash":"ab"},"events":12,
    "events_pruned":3,"evidence":4,"evidence_pruned":0,"jobs":2,"attempts":2,"files":1,
    "file_bytes":2048,"files_skipped":false,"problems":3,"findings":[
    {"check":"event_changed","job":"a","event":7,"number":3,"file":null,"message":"it was changed"},
    {"check":"file_missing","job":"a","event":null,"number":null,"file":"/o/a.mp4",
     "message":"it is not there"},
    {"check":"events_missing","job":null,"event":null,"number":null,"file":null,
     "message":"event 5 is missing"}]})";

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a report names each misfit, and counts what was read") {
    Look look;
    look.terminal = true;
    const std::string text = render_report(document(broken), look);
    CHECK(text.starts_with("✗ job a, event 3 (id 7): it was changed\n"
                           "✗ job a, /o/a.mp4: it is not there\n"
                           "✗ the database: event 5 is missing\n"
                           "3 things do not fit\n"));
    CHECK(has(text, "12 events, 4 pieces of evidence, 2 jobs with 2 submits, 1 files of 2.0 KiB"));
    CHECK(has(text, "removed by age: 3 events"));
    CHECK(has(text, "head 12:ab\n"));
}

TEST_CASE("a report without misfits says so and what to do with its head") {
    Look look;
    look.terminal = true;
    const std::string text =
        render_report(document(R"({"ok":true,"head":{"id":1,"hash":"cd"},"files_skipped":true,
                                   "problems":0,"findings":[]})"),
                      look);
    CHECK(text.starts_with("✓ everything fits\n"));
    CHECK(has(text, "files were skipped"));
    CHECK(has(text, "head 1:cd"));
    CHECK(has(text, "--since"));
}

TEST_CASE("a piped report is lines of columns") {
    const std::string text = render_report(document(broken), Look{});
    CHECK(text.starts_with("problem\tevent_changed\ta\t7\t3\t\tit was changed\n"
                           "problem\tfile_missing\ta\t\t\t/o/a.mp4\tit is not there\n"));
    CHECK(has(text, "\nproblems\t3\nevents\t12\n"));
    CHECK(text.ends_with("head\t12:ab\n"));
}

TEST_CASE("the progress tells the stage and the bytes") {
    CHECK(progress_line(document(R"({"stage":"trail","done":5,"total":9,"file_bytes":0})")) ==
          "verifying: trail 5 of 9");
    CHECK(has(progress_line(document(R"({"stage":"jobs","done":1,"total":2,"file_bytes":1024})")),
              "jobs 1 of 2, 1.0 KiB of files read"));
}

TEST_CASE("verify takes a noted head and may leave the files alone") {
    const Parsed parsed = parse_arguments({"verify", "--no-files", "--since", "3:ab"}, "1");
    REQUIRE(parsed.options.has_value());
    CHECK(parsed.options->verb == Verb::verify);
    CHECK(parsed.options->no_files);
    CHECK(parsed.options->since == "3:ab");
}
