// Goal: the catalogue over the socket, and what it refuses before anything is made.
#include "api_fixture.hpp"

using namespace reeld;
using namespace reeld::api::testing;

namespace {

constexpr const char* standard = "fal-ai/minimax/hailuo-02/standard/image-to-video";

struct WithModels : ApiFixture {
    WithModels() {
        control.known_models = catalogue::load();
        control.status_.outputs = "/outputs";
    }
    http::ServerResponse post(const std::string& input, const std::string& more = {},
                              const std::string& target = "/v1/jobs") {
        return ask("POST", target,
                   R"({"model":")" + std::string(standard) + R"(","input":)" + input + more + "}");
    }
};

std::vector<std::string> fields_of(const json::object& problem) {
    std::vector<std::string> fields;
    for (const auto& error : problem.at("errors").as_array()) {
        fields.push_back(*find_string(error.as_object(), "field"));
        CHECK(*find_string(error.as_object(), "message") != "");
    }
    return fields;
}

}  // namespace

TEST_CASE_FIXTURE(WithModels, "the list tells of every model in a line") {
    const json::object answer = get_object("/v1/models");
    const auto& models = answer.at("models").as_array();
    CHECK(models.size() == control.known_models->models().size());
    CHECK(answer.at("mistakes").as_array().empty());
    for (const auto& one : models) {
        const auto& model = one.as_object();
        CHECK(find(model, "input") == nullptr);
        if (find_string(model, "id") != standard) continue;
        CHECK(find_string(model, "provider") == "fal");
        CHECK(find_string(model, "output") == "video");
        CHECK(find_int(model, "typical_seconds") == 240);
        const auto& price = *find_object(model, "price");
        CHECK(find_string(price, "text") == "$0.045 a second; ~$0.017 a second with resolution 512P");
        CHECK(find_bool(price, "sure") == false);
        CHECK(find_number(price, "example_usd") == 0.27);
    }
}

TEST_CASE_FIXTURE(WithModels, "one model is found with its slashes plain or encoded") {
    const std::string plain = "/v1/models/" + std::string(standard);
    const json::object model = get_object(plain);
    CHECK(find_string(model, "id") == standard);
    const auto& fields = *find_array(model, "fields");
    CHECK(find_string(fields.front().as_object(), "name") == "prompt");
    CHECK(find_string(fields.front().as_object(), "takes") == "a text of at most 2000 characters");
    CHECK(find_object(model, "input") != nullptr);
    CHECK(find_object(model, "example") != nullptr);
    std::string encoded = plain;
    for (auto at = encoded.find('/', 11); at != std::string::npos; at = encoded.find('/', at)) {
        encoded.replace(at, 1, "%2F");
    }
    CHECK(get(encoded).body == get(plain).body);
    const json::object speech = get_object("/v1/models/fal-ai/minimax/speech-02-hd");
    bool nested = false;
    for (const auto& field : *find_array(speech, "fields")) {
        nested = nested || find_string(field.as_object(), "name") == "voice_setting.speed";
    }
    CHECK(nested);
}

TEST_CASE_FIXTURE(WithModels, "an unknown model is 404 with what may be meant") {
    const auto response = get("/v1/models/fal-ai/minimax/hailuo-2.3/standard/text-to-vidoe");
    CHECK(response.status == 404);
    CHECK(code_of(response) == "not_found");
    const json::object problem = object_of(response);
    CHECK(problem.at("candidates").as_array().front() ==
          json::value("fal-ai/minimax/hailuo-2.3/standard/text-to-video"));
    CHECK(get("/v1/models/%zz").status == 400);
    CHECK(ask("POST", "/v1/models").status == 405);
    CHECK(ask("DELETE", "/v1/models/" + std::string(standard)).status == 405);
}

TEST_CASE_FIXTURE(WithModels, "every mistake of the job and of its input is told at once") {
    const auto response = post(R"({"duration":"7","image_url":"a.png"})", R"(,"priority":"high")");
    CHECK(response.status == 422);
    CHECK(code_of(response) == "invalid_job");
    CHECK(fields_of(object_of(response)) ==
          std::vector<std::string>{"priority", "input.prompt", "input.duration",
                                   "input.image_url"});
    CHECK(control.submits == 0);
}

TEST_CASE_FIXTURE(WithModels, "one bad input of an array refuses all, by its place") {
    const std::string good = R"({"model":"fal-ai/minimax/video-01","input":{"prompt":"x"}})";
    const auto response = ask("POST", "/v1/jobs",
                              "[" + good + R"(,{"model":"fal-ai/flux/dev","input":{}}])");
    CHECK(response.status == 422);
    const json::object problem = object_of(response);
    const auto& error = problem.at("errors").as_array().front().as_object();
    CHECK(find_int(error, "index") == 1);
    CHECK(find_string(error, "field") == "model");
    CHECK(find_string(error, "message")->find("not in the catalogue") != std::string::npos);
    CHECK(control.submits == 0);
}

TEST_CASE_FIXTURE(WithModels, "unchecked takes what the catalogue would refuse") {
    CHECK(post(R"({"duration":7})", R"(,"unchecked":true)").status == 201);
    CHECK(ask("POST", "/v1/jobs", R"({"model":"fal-ai/flux/dev","input":{},"unchecked":true})")
              .status == 201);
    CHECK(post("{}", R"(,"unchecked":"yes")").status == 422);
}

TEST_CASE_FIXTURE(WithModels, "a job that is there already is not judged by a newer catalogue") {
    const std::string body = R"({"id":"old","model":"fal-ai/some/thing","input":{}})";
    control.known_models = nullptr;
    CHECK(ask("POST", "/v1/jobs", body).status == 201);
    control.known_models = catalogue::load();
    CHECK(ask("POST", "/v1/jobs", body).status == 200);
}

TEST_CASE_FIXTURE(WithModels, "a dry run tells cost, defaults and file, and makes nothing") {
    const auto response = post(R"({"prompt":"snow","image_url":"https://x/a"})",
                               R"(,"batch":"night")", "/v1/jobs?dry_run=true");
    CHECK(response.status == 200);
    CHECK(control.submits == 0);
    const json::object answer = object_of(response);
    CHECK(answer.at("defaults") == json::value{{"duration", "6"},
                                               {"resolution", "768P"},
                                               {"prompt_optimizer", true}});
    CHECK(answer.at("input") == json::value{{"prompt", "snow"}, {"image_url", "https://x/a"}});
    CHECK(answer.at("estimate").as_object().at("usd") == json::value(0.27));
    CHECK(answer.at("estimate").as_object().at("sure") == json::value(true));
    CHECK(find_string(answer, "path") == "/outputs/night/{id}.mp4");
    CHECK(answer.at("checked") == json::value(true));
    CHECK(!answer.at("warnings").as_array().empty());
    CHECK(post("{}", "", "/v1/jobs?dry_run=true").status == 422);
    CHECK(post("{}", "", "/v1/jobs?dry_run=maybe").status == 400);
    CHECK(post("{}", "", "/v1/jobs?dryrun=true").status == 400);
    const auto array = ask("POST", "/v1/jobs?dry_run=true",
                           R"([{"model":"fal-ai/flux/dev","input":{},"unchecked":true}])");
    const auto one = object_of(array).at("jobs").as_array().front().as_object();
    CHECK(one.at("estimate").as_object().at("usd").is_null());
    CHECK(one.at("checked") == json::value(false));
}
