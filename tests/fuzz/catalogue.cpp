// Files that describe a model, and inputs that are held to what such a file says.
//
// The first line is an input, the rest the file, in reeld's own form or as an OpenAPI document.
#include "base/encoding.hpp"
#include "base/json.hpp"
#include "catalogue/input_check.hpp"
#include "catalogue/model_file.hpp"
#include "catalogue/price.hpp"
#include "fuzz/target.hpp"

namespace reeld::fuzz {
namespace {

void check_words(const std::string& text) {
    must(!text.empty() && is_utf8(text), "words that can be shown");
}

void check_input(const catalogue::Model& model, const json::object& input) {
    const auto mistakes = model.check->mistakes(input);
    for (const auto& mistake : mistakes) {
        must(mistake.field.starts_with("input"), "a mistake has its place");
        check_words(mistake.field);
        check_words(mistake.message);
    }
    must(model.check->mistakes(input) == mistakes, "the same input has the same mistakes");
    for (const auto& member : catalogue::file_members(model.input, input)) {
        must(member.field.starts_with("input."), "a file's member is one of the input");
    }
    const auto cost = catalogue::estimate(model, input);
    must(!cost.micro_usd || *cost.micro_usd >= 0, "nobody is paid for a job");
    check_words(cost.basis);
}

}  // namespace

void run_model_file(std::string_view input) {
    Lines lines(input);
    const auto given = parse_json(lines.next());
    const auto model = catalogue::read_model_file(lines.rest(), "mine.json");
    if (!model) {
        must(model.error().code() == ErrorCode::invalid, "a mistake of the file");
        return check_words(model.error().context());
    }
    must(model->id.find('/') != std::string::npos && is_utf8(model->id), "an endpoint id");
    must(model->check != nullptr, "something to hold inputs to");
    must(model->example.empty() || model->check->mistakes(model->example).empty(),
         "an example that is right");
    check_words(catalogue::price_text(*model));
    check_input(*model, model->example);
    check_input(*model, {});
    if (given && given->is_object()) check_input(*model, given->get_object());
}

}  // namespace reeld::fuzz
