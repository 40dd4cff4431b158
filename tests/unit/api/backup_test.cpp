#include "api_fixture.hpp"

using namespace reeld;
using namespace reeld::api::testing;

namespace {
const std::string wish = R"({"path":"/backups/a.db"})";
}

TEST_CASE_FIXTURE(ApiFixture, "a backup answers 201 with what was copied") {
    const auto response = ask("POST", "/v1/backup", wish);
    CHECK(response.status == 201);
    const auto done = object_of(response);
    CHECK(find_string(done, "path") == "/backups/a.db");
    CHECK(find_int(done, "jobs") == 3);
    CHECK(find_string(done, "sha256") == "5e");
    CHECK(done.at("inbox_path").is_null());
}

TEST_CASE_FIXTURE(ApiFixture, "a backup without a path, or with more than one, is refused") {
    CHECK(code_of(ask("POST", "/v1/backup", "")) == "malformed_json");
    CHECK(code_of(ask("POST", "/v1/backup", "[]")) == "invalid_backup");
    CHECK(code_of(ask("POST", "/v1/backup", R"({"path":7})")) == "invalid_backup");
    CHECK(code_of(ask("POST", "/v1/backup", R"({"path":"/a","replace":true})")) ==
          "invalid_backup");
    CHECK(ask("GET", "/v1/backup").status == 405);
}

TEST_CASE_FIXTURE(ApiFixture, "every trouble of a backup has a code of its own and its own words") {
    struct Row {
        ErrorCode error;
        int status;
        std::string code;
    };
    for (const Row& row : {Row{ErrorCode::invalid, 422, "invalid_backup"},
                           Row{ErrorCode::not_found, 422, "no_such_folder"},
                           Row{ErrorCode::conflict, 409, "file_exists"},
                           Row{ErrorCode::busy, 409, "backup_running"},
                           Row{ErrorCode::refused, 403, "not_permitted"},
                           Row{ErrorCode::disk_full, 507, "disk_full"},
                           Row{ErrorCode::io, 500, "backup_failed"},
                           Row{ErrorCode::cancelled, 503, "stopping"}}) {
        CAPTURE(row.code);
        control.refusal = Error(row.error, "say this to the caller");
        const auto response = ask("POST", "/v1/backup", wish);
        CHECK(response.status == row.status);
        CHECK(code_of(response) == row.code);
        if (row.error != ErrorCode::cancelled) {
            CHECK(response.body.find("say this to the caller") != std::string::npos);
        }
    }
}

TEST_CASE_FIXTURE(ApiFixture, "the status shows how far a backup is") {
    CHECK(find_object(get_object("/v1/status"), "backup")->at("running").is_null());
    control.status_.backup.running = "/backups/a.db";
    control.status_.backup.pages_total = 10;
    control.status_.backup.pages_done = 4;
    const auto status = get_object("/v1/status");
    const auto* running = find_object(*find_object(status, "backup"), "running");
    REQUIRE(running != nullptr);
    CHECK(find_string(*running, "phase") == "copying");
    CHECK(find_int(*running, "pages_done") == 4);
}
