#include "unit/api/api_fixture.hpp"

#include <boost/json/serialize.hpp>

using namespace reeld;
using namespace reeld::api::testing;

namespace {

const std::string sum(64, 'a');
const std::string place = "/v1/files/" + sum;

// The first bytes of a PNG of that size: enough to know it by.
std::string png(unsigned width, unsigned height) {
    std::string bytes("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 16);
    for (const unsigned side : {width, height}) {
        for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(side >> shift);
    }
    bytes += std::string("\x08\x02\0\0\0\0\0\0\0", 9);
    bytes += std::string("\0\0\0\0IEND\xae\x42\x60\x82", 12);
    return bytes;
}

struct Files : ApiFixture {
    Files() {
        control.known_models = catalogue::load();
        control.inputs.folders = {"/shots"};
    }
    static std::string job(const std::string& image) {
        return R"({"model":"fal-ai/minimax/hailuo-02/standard/image-to-video",
                   "input":{"prompt":"x","image_url":")" + image + R"("}})";
    }
    std::string mistake(const std::string& body, const std::string& target = "/v1/jobs") {
        const auto answer = ask("POST", target, body);
        CHECK(answer.status == 422);
        const json::object told = object_of(answer);
        const auto& errors = told.at("errors").as_array();
        REQUIRE(errors.size() == 1);
        CHECK(errors[0].at("field") == "input.image_url");
        return std::string(errors[0].at("message").as_string());
    }
};

}  // namespace

TEST_CASE_FIXTURE(Files, "a file comes in pieces, and each answer says where the next one begins") {
    json::object known = get_object(place + "?name=shot.png");
    CHECK(known.at("complete") == false);
    CHECK(known.at("received") == 0);
    CHECK(known.at("path").is_null());
    auto answer = ask("PUT", place + "?name=shot.png&size=5&offset=0", "abc");
    CHECK(answer.status == 200);
    CHECK(object_of(answer).at("received") == 3);
    answer = ask("PUT", place + "?name=shot.png&size=5&offset=3", "de");
    CHECK(answer.status == 201);
    CHECK(object_of(answer).at("path") == json::value("/state/files/" + sum + "/a"));
    CHECK(object_of(answer).at("bytes") == 5);
    CHECK(control.pieces.back().name == "shot.png");
    CHECK(control.pieces.back().offset == 3);
}

TEST_CASE_FIXTURE(Files, "a piece that cannot be placed is refused before anything is kept") {
    CHECK(code_of(ask("PUT", place, "abc")) == "invalid_parameter");
    CHECK(code_of(ask("PUT", place + "?size=x", "abc")) == "invalid_parameter");
    CHECK(code_of(ask("PUT", place + "?size=5&offset=-1", "abc")) == "invalid_parameter");
    CHECK(code_of(ask("PUT", place + "?size=5&colour=red", "abc")) == "unknown_parameter");
    CHECK(code_of(ask("GET", "/v1/files/nothing")) == "invalid_file");
    CHECK(code_of(ask("GET", "/v1/files/" + sum + "/shot.png")) == "no_such_route");
    CHECK(ask("DELETE", place).status == 405);
    CHECK(control.pieces.empty());
}

TEST_CASE_FIXTURE(Files, "what the spool refuses is told with a code that scripts know") {
    const auto refused = [&](ErrorCode code) {
        control.refusal = Error(code, "Words.");
        return ask("PUT", place + "?size=5", "abc");
    };
    CHECK(code_of(refused(ErrorCode::invalid)) == "invalid_file");
    CHECK(code_of(refused(ErrorCode::too_large)) == "too_large");
    CHECK(refused(ErrorCode::too_large).status == 413);
    CHECK(code_of(refused(ErrorCode::disk_full)) == "disk_full");
    CHECK(object_of(refused(ErrorCode::disk_full)).at("detail") == "Words.");
    CHECK(code_of(refused(ErrorCode::busy)) == "busy");
    CHECK(code_of(refused(ErrorCode::unsupported)) == "unsupported");
    control.spooled_files[sum].received = 3;
    const auto answer = refused(ErrorCode::conflict);
    CHECK(code_of(answer) == "wrong_offset");
    CHECK(object_of(answer).at("received") == 3);
}

TEST_CASE_FIXTURE(Files, "a job keeps what was seen of its local files") {
    control.files.put("/shots/a.jpg", png(1280, 720));
    const auto answer = ask("POST", "/v1/jobs", job("/shots/a.jpg"));
    CHECK(answer.status == 201);
    REQUIRE(control.submitted_files.size() == 1);
    REQUIRE(control.submitted_files[0].size() == 1);
    const domain::InputFile& file = control.submitted_files[0][0];
    CHECK(file.field == "input.image_url");
    CHECK(file.path == "/shots/a.jpg");
    // A name that lies is no mistake: the bytes count.
    CHECK(file.content_type == "image/png");
    CHECK(file.bytes == png(1280, 720).size());
    CHECK(file.as_data_uri);
    CHECK(!file.fresh);
    CHECK(object_of(answer).at("input").as_object().at("image_url") == "/shots/a.jpg");
}

TEST_CASE_FIXTURE(Files, "reuse_uploads false asks for an upload of the job's own") {
    control.files.put("/shots/a.png", png(1280, 720));
    std::string body = job("/shots/a.png");
    body.insert(1, R"("reuse_uploads":false,)");
    CHECK(ask("POST", "/v1/jobs", body).status == 201);
    CHECK(control.submitted_files.at(0).at(0).fresh);
    body.replace(body.find("false"), 5, "\"no\"");
    const auto refused = ask("POST", "/v1/jobs", body);
    CHECK(refused.status == 422);
    CHECK(refused.body.find("reuse_uploads") != std::string::npos);
}

TEST_CASE_FIXTURE(Files, "an array with one bad file makes no job at all") {
    control.files.put("/shots/a.png", png(1280, 720));
    const auto answer =
        ask("POST", "/v1/jobs", "[" + job("/shots/a.png") + "," + job("/shots/b.png") + "]");
    CHECK(answer.status == 422);
    CHECK(object_of(answer).at("errors").as_array().at(0).at("index") == 1);
    CHECK(control.submits == 0);
}

TEST_CASE_FIXTURE(Files, "every mistake with a file is told in words") {
    control.files.put("/shots/page.png", "<html><body>404</body></html>");
    control.files.put("/shots/empty.png", "");
    control.files.put("/shots/deep/a.png", png(1, 1));
    control.files.put("/state/reel.db", png(1, 1));
    control.files.put_link("/shots/link");
    const auto says = [&](const std::string& path, std::string_view part) {
        const std::string message = mistake(job(path));
        CAPTURE(message);
        CHECK(message.find(part) != std::string::npos);
    };
    says("/shots/none.png", "there is no file \"/shots/none.png\"");
    says("/shots/empty.png", "is empty");
    says("/shots/page.png", "image of any kind is taken");
    says("/shots/deep", "a regular file is needed");
    says("/shots/link/a.png", "no symbolic link");
    says("/shots/../state/reel.db", "regular file");
    says("/state/reel.db", "[inputs] folders, which names /shots");
    says("/shotsier/a.png", "[inputs] folders");
    says("shot.png", "`reel submit` takes paths");
    says("file://other/shots/a.png", "file:///path/of/it is right");
    control.inputs.folders.clear();
    says("/shots/deep/a.png", "which names none");
}

TEST_CASE_FIXTURE(Files, "without the catalogue file:// alone names a file") {
    control.files.put("/shots/a b.png", png(1280, 720));
    const auto unchecked = [&](const std::string& text) {
        return ask("POST", "/v1/jobs", R"({"model":"fal-ai/some/model","unchecked":true,
            "input":{"deep":[{"image":")" + text + R"("}]}})");
    };
    CHECK(unchecked("file:///shots/a%20b.png").status == 201);
    CHECK(control.submitted_files.at(0).at(0).field == "input.deep[0].image");
    CHECK(control.submitted_files.at(0).at(0).path == "/shots/a b.png");
    CHECK(unchecked("/shots/a b.png").status == 201);
    CHECK(control.submitted_files.at(0).empty());
    CHECK(unchecked("file:///shots/none").status == 422);
}

TEST_CASE_FIXTURE(Files, "a known id is the same job, whatever became of its file") {
    control.files.put("/shots/a.png", png(1280, 720));
    std::string body = job("/shots/a.png");
    body.insert(1, R"("id":"a",)");
    CHECK(ask("POST", "/v1/jobs", body).status == 201);
    REQUIRE(control.files.remove("/shots/a.png").has_value());
    CHECK(ask("POST", "/v1/jobs", body).status == 200);
}

TEST_CASE_FIXTURE(Files, "a dry run shows each file and what would become of it") {
    control.files.put("/shots/a.png", png(1280, 720));
    const auto dry = [&](const std::string& body) {
        const json::object answer = object_of(ask("POST", "/v1/jobs?dry_run=true", body));
        REQUIRE(answer.contains("files"));
        return answer;
    };
    json::object answer = dry(job("/shots/a.png"));
    json::object file = answer.at("files").at(0).as_object();
    CHECK(file.at("field") == "input.image_url");
    CHECK(file.at("content_type") == "image/png");
    CHECK(file.at("width") == 1280);
    CHECK(file.at("seconds").is_null());
    CHECK(file.at("how") == "inlined");
    control.inputs.data_uri_max = 0;
    CHECK(dry(job("/shots/a.png")).at("files").at(0).at("how") == "uploaded");
    // Of a file in the spool the hash is known.
    control.inputs.spool = "/state/files";
    control.uploaded = sum;
    control.files.put("/state/files/" + sum + "/a.png", png(1280, 720));
    CHECK(dry(job("/state/files/" + sum + "/a.png")).at("files").at(0).at("how") == "reused");
    // The maker's own rules are advice.
    control.files.put("/shots/small.png", png(300, 300));
    answer = dry(job("/shots/small.png"));
    const std::string warnings = json::serialize(answer.at("warnings"));
    CHECK(warnings.find("the shorter side must have at least 301, says the maker") !=
          std::string::npos);
    CHECK(control.submits == 0);
}

TEST_CASE_FIXTURE(Files, "a dry run takes a caller's word for a file, a submit does not") {
    std::string body = job("/home/me/a.png");
    body.insert(1, R"("local_files":[{"path":"/home/me/a.png","bytes":30000000,"width":800,
        "height":600,"content_type":"image/png","sha256":")" + sum + R"("}],)");
    const json::object answer = object_of(ask("POST", "/v1/jobs?dry_run=true", body));
    REQUIRE(answer.contains("files"));
    CHECK(answer.at("files").at(0).at("bytes") == 30'000'000);
    CHECK(answer.at("files").at(0).at("how") == "uploaded");
    CHECK(ask("POST", "/v1/jobs", body).status == 422);
    body.replace(body.find("image/png"), 9, "audio/wav");
    CHECK(mistake(body, "/v1/jobs?dry_run=true").find("is audio/wav") != std::string::npos);
}
