#include "provider_api/upload.hpp"

#include <doctest/doctest.h>

#include "provider_api/refusal.hpp"

using namespace reeld;
using namespace reeld::provider_api;
using domain::Reason;
using domain::RefusalKind;

namespace {

Exchange answered(int status) {
    Exchange exchange;
    exchange.delivery = Delivery::answered;
    exchange.response.status = status;
    return exchange;
}

}  // namespace

TEST_CASE("a file's name is made safe for a URL, from its end") {
    CHECK(upload_name("shot.png") == "shot.png");
    CHECK(upload_name("my shot #1.png") == "my_shot__1.png");
    CHECK(upload_name("\xC3\xA4.png") == "__.png");
    CHECK(upload_name("") == "file");
    CHECK(upload_name("..") == "file");
    CHECK(upload_name(std::string(500, 'x') + ".png").size() == 100);
    CHECK(upload_name(std::string(500, 'x') + ".png").ends_with("x.png"));
}

TEST_CASE("a signed URL may be long, but names nobody and no place in a page") {
    CHECK(is_upload_url("https://a.example/put?sig=" + std::string(4000, 's')));
    CHECK(is_upload_url("http://127.0.0.1:8470/put"));
    CHECK_FALSE(is_upload_url("https://a.example/put?sig=" + std::string(9000, 's')));
    CHECK_FALSE(is_upload_url("https://user:pass@a.example/put"));
    CHECK_FALSE(is_upload_url("https://a.example/put#part"));
    CHECK_FALSE(is_upload_url("file:///etc/passwd"));
    CHECK_FALSE(is_upload_url(""));
}

TEST_CASE("the start of an upload fails the account, the file or this time, by its status") {
    struct Row {
        int status;
        RefusalKind kind;
        Reason reason;
    };
    for (const Row& row : {Row{400, RefusalKind::permanent, Reason::invalid_input},
                           Row{401, RefusalKind::credentials, Reason::credentials},
                           Row{402, RefusalKind::account, Reason::account},
                           Row{403, RefusalKind::account, Reason::account},
                           Row{404, RefusalKind::retry, Reason::provider_error},
                           Row{408, RefusalKind::retry, Reason::provider_error},
                           Row{409, RefusalKind::retry, Reason::provider_error},
                           Row{413, RefusalKind::permanent, Reason::invalid_input},
                           Row{415, RefusalKind::permanent, Reason::invalid_input},
                           Row{422, RefusalKind::permanent, Reason::invalid_input},
                           Row{429, RefusalKind::rate_limited, Reason::rate_limit},
                           Row{302, RefusalKind::retry, Reason::provider_error},
                           Row{500, RefusalKind::retry, Reason::provider_error}}) {
        CAPTURE(row.status);
        const auto refusal = refuse_upload_start(answered(row.status), {"code", "words"});
        CHECK(refusal.kind == row.kind);
        CHECK(refusal.reason == row.reason);
        CHECK(refusal.error.code == "code");
    }
}

TEST_CASE("the PUT of an upload never speaks of the account") {
    for (int status = 300; status < 600; ++status) {
        CAPTURE(status);
        const auto refusal = refuse_upload_put(answered(status), {"code", "words"});
        const bool of_the_file =
            status == 400 || status == 413 || status == 415 || status == 422;
        CHECK(refusal.kind == (of_the_file ? RefusalKind::permanent : RefusalKind::retry));
        const bool of_the_ticket =
            status == 401 || status == 403 || status == 404 || status == 410;
        CHECK(refusal.error.code == (of_the_ticket ? upload_ticket_code : "code"));
        CHECK(refusal.error.message == "words");
    }
}

TEST_CASE("a refused call is judged by its status alone where HTTP says what it means") {
    struct Row {
        int status;
        RefusalKind kind;
        Reason reason;
    };
    for (const Row& row : {Row{400, RefusalKind::permanent, Reason::invalid_input},
                           Row{401, RefusalKind::credentials, Reason::credentials},
                           Row{402, RefusalKind::account, Reason::account},
                           Row{403, RefusalKind::permanent, Reason::rejected},
                           Row{404, RefusalKind::permanent, Reason::invalid_input},
                           Row{407, RefusalKind::retry, Reason::provider_error},
                           Row{408, RefusalKind::retry, Reason::provider_error},
                           Row{413, RefusalKind::permanent, Reason::invalid_input},
                           Row{418, RefusalKind::permanent, Reason::rejected},
                           Row{422, RefusalKind::permanent, Reason::invalid_input},
                           Row{425, RefusalKind::retry, Reason::provider_error},
                           Row{429, RefusalKind::rate_limited, Reason::rate_limit}}) {
        CAPTURE(row.status);
        CHECK(judge_client_error(row.status).kind == row.kind);
        CHECK(judge_client_error(row.status).reason == row.reason);
    }
}
