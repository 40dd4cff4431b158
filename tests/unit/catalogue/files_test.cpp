// Goal: a user's file adds a model or takes the place of one, in both forms; a bad one says why.
#include <doctest/doctest.h>

#include "catalogue/catalogue.hpp"
#include "catalogue/input_check.hpp"
#include "catalogue/price.hpp"

using namespace reeld;
using namespace reeld::catalogue;

namespace {

constexpr const char* small = R"({
  "id": "fal-ai/acme/video", "title": "Acme", "output": "video", "typical_seconds": 30,
  "price": {"rules": [{"usd": 0.1, "per": "second", "of": "seconds"}]},
  "input": {"type": "object", "properties": {
      "prompt": {"type": "string"}, "seconds": {"type": "integer", "minimum": 1, "default": 4}},
    "required": ["prompt"]},
  "example": {"prompt": "a fox"}})";

// In the shape that fal publishes: queue paths, components, order of the members.
constexpr const char* document = R"({
  "openapi": "3.0.4",
  "info": {"title": "Queue OpenAPI for fal-ai/acme/clip", "version": "1.0.0",
    "x-fal-metadata": {"endpointId": "fal-ai/acme/clip", "category": "image-to-video"}},
  "components": {"schemas": {
    "QueueStatus": {"type": "object", "properties": {"status": {"type": "string"}}},
    "AcmeClipInput": {"title": "ClipInput", "type": "object",
      "properties": {
        "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Seed"},
        "image_url": {"type": "string", "title": "Image URL"},
        "strength": {"type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 1,
                     "default": 0.5},
        "size": {"allOf": [{"$ref": "#/components/schemas/Size"}], "default": "small"},
        "prompt": {"type": "string", "examples": ["a fox runs"], "maxLength": 20}},
      "x-fal-order-properties": ["prompt", "image_url", "size", "strength", "seed"],
      "required": ["prompt"]},
    "Size": {"type": "string", "enum": ["small", "large"]},
    "AcmeClipOutput": {"type": "object",
      "properties": {"video": {"$ref": "#/components/schemas/File"}}},
    "File": {"type": "object", "properties": {"url": {"type": "string"}}}}},
  "paths": {
    "/fal-ai/acme/clip/requests/{request_id}/status": {"get": {}},
    "/fal-ai/acme/clip": {"post": {"requestBody": {"required": true, "content": {
      "application/json": {"schema": {"$ref": "#/components/schemas/AcmeClipInput"}}}}}}}})";

std::string mistake_of(std::string text) {
    const auto catalogue = load({{"mine.json", std::move(text)}});
    REQUIRE(catalogue->mistakes().size() == 1);
    CHECK(catalogue->mistakes().front().starts_with("mine.json: "));
    CHECK(catalogue->models().size() == load()->models().size());
    return catalogue->mistakes().front();
}

bool says(const std::string& text, std::string_view part) {
    CAPTURE(text);
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
    return true;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

std::vector<domain::FieldError> mistakes(const Catalogue& catalogue, const char* id,
                                         std::string_view input) {
    return check(catalogue, id, parse_json(input)->as_object(), false);
}

}  // namespace

TEST_CASE("a file adds a model") {
    const auto catalogue = load({{"acme.json", small}});
    CHECK(catalogue->mistakes().empty());
    const Model* model = catalogue->find("fal-ai/acme/video");
    REQUIRE(model != nullptr);
    CHECK(model->source == "acme.json");
    CHECK(model->typical_seconds == 30);
    CHECK(model->check->mistakes(model->example).empty());
    CHECK(estimate(*model, model->example).micro_usd == 400'000);
    CHECK(!estimate(*model, model->example).sure);
}

TEST_CASE("a file takes the place of an embedded model") {
    const auto catalogue =
        load({{"own.json", replaced(small, "fal-ai/acme/video", "fal-ai/minimax/video-01")}});
    CHECK(catalogue->models().size() == load()->models().size());
    CHECK(catalogue->find("fal-ai/minimax/video-01")->title == "Acme");
    // The embedded one is as it was for the next load.
    CHECK(load()->find("fal-ai/minimax/video-01")->title != "Acme");
}

TEST_CASE("an OpenAPI document of fal becomes a model") {
    const auto catalogue = load({{"clip.json", document}});
    for (const auto& mistake : catalogue->mistakes()) FAIL_CHECK(mistake);
    const Model* model = catalogue->find("fal-ai/acme/clip");
    REQUIRE(model != nullptr);
    CHECK(model->output == OutputKind::video);
    CHECK(model->example == json::object{{"prompt", "a fox runs"}});
    std::string order;
    for (const auto& member : *find_object(model->input, "properties")) {
        order += std::string(member.key()) + " ";
    }
    CHECK(order == "prompt image_url size strength seed ");
    CHECK(estimate(*model, {}).micro_usd == std::nullopt);

    const char* id = "fal-ai/acme/clip";
    CHECK(mistakes(*catalogue, id,
                   R"({"prompt":"a","seed":null,"size":"large","image_url":"https://x/a"})")
              .empty());
    const auto wrong = mistakes(*catalogue, id, R"({"prompt":"a prompt that is far too long",
        "seed":"one","size":"huge","image_url":"a.png","strength":0,"sede":1})");
    CHECK(wrong.size() == 6);
}

TEST_CASE("a bad file is named with what is wrong, and the others are used") {
    says(mistake_of("{"), "not JSON at byte 1");
    says(mistake_of("[]"), "must be a JSON object");
    says(mistake_of("{}"), "id: must be an endpoint id");
    says(mistake_of(replaced(small, "\"output\": \"video\"", "\"output\": \"film\"")), "output:");
    says(mistake_of(replaced(small, "\"title\"", "\"titel\"")), "titel: is unknown");
    says(mistake_of(replaced(small, "\"per\": \"second\"", "\"per\": \"minute\"")), "price:");
    says(mistake_of(replaced(small, "\"minimum\": 1", "\"minimum\": \"one\"")), "seconds");
    says(mistake_of(replaced(small, "{\"prompt\": \"a fox\"}", "{\"prompt\": 7}")),
         "example: input.prompt must be a text");
    says(mistake_of(replaced(small, "{\"type\": \"string\"}", "{\"$ref\": \"#/nowhere\"}")),
         "leads nowhere");
    says(mistake_of(replaced(small, "{\"type\": \"string\"}", "{\"$ref\": \"#/properties/prompt\"}")),
         "refers to itself");
    says(mistake_of(replaced(small, "{\"type\": \"string\"}",
                             "{\"type\": \"string\", \"pattern\": \"(\"}")),
         "pattern");
    says(mistake_of(replaced(document, "\"endpointId\"", "\"endpoint\"")), "endpointId");
    says(mistake_of(replaced(document, "requestBody", "body")), "requestBody");
    const auto both = load({{"a.json", "{"}, {"b.json", small}});
    CHECK(both->mistakes().size() == 1);
    CHECK(both->find("fal-ai/acme/video") != nullptr);
}

TEST_CASE("two files about one model are told, and the first is used") {
    const auto catalogue = load({{"a.json", small}, {"b.json", replaced(small, "Acme", "Other")}});
    REQUIRE(catalogue->mistakes().size() == 1);
    says(catalogue->mistakes().front(), "as a.json does already");
    CHECK(catalogue->find("fal-ai/acme/video")->title == "Acme");
}

TEST_CASE("a small file that refers to itself again and again does not eat the memory") {
    std::string text = R"({"id":"a/b","input":{"properties":{"x":{"$ref":"#/d/l0"}},"d":{)";
    for (int i = 0; i < 20; ++i) {
        const std::string next = "{\"$ref\":\"#/d/l" + std::to_string(i + 1) + "\"}";
        text += "\"l" + std::to_string(i) + "\":{\"anyOf\":[" + next + "," + next + "]},";
    }
    text += R"("l20":{"type":"string"}}}})";
    says(mistake_of(text), "too large");
}

TEST_CASE("a pattern is checked, and a long text cannot exhaust the stack with it") {
    const std::string text = R"({"type": "string", "pattern": "^(a|b)*$"})";
    const std::string with_pattern = replaced(small, R"({"type": "string"})", text);
    // The example does not match the pattern.
    REQUIRE(load({{"a.json", with_pattern}})->mistakes().size() == 1);
    const auto mended = load({{"a.json", replaced(with_pattern, "a fox", "abba")}});
    REQUIRE(mended->mistakes().empty());
    CHECK(mistakes(*mended, "fal-ai/acme/video", R"({"prompt":"abc"})").size() == 1);
    CHECK(mistakes(*mended, "fal-ai/acme/video", R"({"prompt":"ab"})").empty());
    const std::string large = "{\"prompt\":\"" + std::string(200'000, 'a') + "\"}";
    CHECK(mistakes(*mended, "fal-ai/acme/video", large).empty());
    // The same hidden in a choice.
    const auto hidden = load({{"a.json", replaced(small, R"({"type": "string"})",
                                                  R"({"anyOf": [)" + text + "," + text + "]}")}});
    REQUIRE(hidden->mistakes().empty());
    CHECK(mistakes(*hidden, "fal-ai/acme/video", large).empty());
}

TEST_CASE("what could not be read is one of the mistakes") {
    const auto catalogue = load({}, {"/etc/models: no permission"});
    CHECK(catalogue->mistakes() == std::vector<std::string>{"/etc/models: no permission"});
}
