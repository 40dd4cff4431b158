// Goal: the tree keeps the rules of the architecture. Every check runs over every file; what is
// excepted stands in one table that may only shrink.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lint/arrows.hpp"
#include "lint/coroutine_traps.hpp"
#include "lint/words.hpp"

using namespace reeld::lint;

namespace {

struct Exception {
    std::string_view rule;
    std::string_view path;  // a file, or a folder with its slash
    std::string_view reason;
};

// An exception that no longer occurs fails the test: take it out.
const std::vector<Exception> exceptions{
    {"sql", "lib/store/connection.cpp", "transaction control of the one unit of work"},
    {"sql", "lib/store/copy.cpp", "pragmas that set up and check a copy"},
    {"sql", "lib/store/inbox.cpp", "transaction control and pragmas of the inbox"},
    {"sql", "lib/store/migrate.cpp", "transaction control of a step, user_version"},
    {"sql", "lib/store/opening.cpp", "pragmas that set up and check a database"},
    {"direct", "tests/bench/peer_bench.cpp",
     "latency between two processes is measured with the kernel's own clock"},
    {"direct", "daemon/reeld/service_notify.cpp",
     "systemd compares MONOTONIC_USEC with the kernel's clock, not with an injected one"},
};

bool excepts(const Exception& exception, const Finding& finding) {
    const bool folder = exception.path.ends_with('/');
    return exception.rule == finding.rule &&
           (folder ? finding.path.starts_with(exception.path) : finding.path == exception.path);
}

std::vector<Finding> check_all(const std::vector<File>& files) {
    std::vector<Finding> all;
    for (const File& file : files) {
        for (const auto check :
             {check_arrows, check_libraries, check_pure, check_is_built, check_direct_calls,
              check_dropped_tasks, check_state, check_sql, check_marks, check_machine_paths,
              check_size, check_coroutine_traps, check_lambda_coroutines}) {
            const auto found = check(file);
            all.insert(all.end(), found.begin(), found.end());
        }
    }
    return all;
}

const std::vector<Finding>& findings() {
    static const std::vector<Finding> all = check_all(read_tree(REELD_SOURCE_DIR));
    return all;
}

}  // namespace

TEST_CASE("the tree is read at all") {
    const auto files = read_tree(REELD_SOURCE_DIR);
    const auto has = [&](std::string_view path) {
        return std::any_of(files.begin(), files.end(),
                           [&](const File& file) { return file.path == path; });
    };
    CHECK(has("CMakeLists.txt"));
    CHECK(has("lib/domain/transition.cpp"));
    CHECK(has("tests/lint/tree_test.cpp"));
    CHECK(std::none_of(files.begin(), files.end(),
                       [](const File& file) { return file.path.starts_with("build/"); }));
}

TEST_CASE("no file breaks a rule of the architecture") {
    for (const Finding& finding : findings()) {
        const bool excepted =
            std::any_of(exceptions.begin(), exceptions.end(),
                        [&](const Exception& exception) { return excepts(exception, finding); });
        if (excepted) continue;
        ADD_FAIL_CHECK_AT(finding.path.c_str(), static_cast<int>(finding.line),
                          finding.rule << ": " << finding.what);
    }
}

TEST_CASE("every exception still occurs and has a reason") {
    for (const Exception& exception : exceptions) {
        CAPTURE(exception.path);
        CHECK_FALSE(exception.reason.empty());
        CHECK(std::any_of(findings().begin(), findings().end(), [&](const Finding& finding) {
            return excepts(exception, finding);
        }));
    }
}
