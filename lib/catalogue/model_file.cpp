#include "catalogue/model_file.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/encoding.hpp"
#include "catalogue/input_check.hpp"
#include "catalogue/openapi.hpp"
#include "catalogue/schema_form.hpp"
#include "domain/suggest.hpp"

namespace reeld::catalogue {
namespace {

constexpr std::array<std::string_view, 8> members_of_a_file{
    "id", "title", "output", "typical_seconds", "price", "input", "example", "advice"};
constexpr double usd_max = 100'000;
constexpr std::int64_t seconds_max = 7 * 24 * 3600;

Error wrong(std::string_view member, std::string_view what) {
    return Error(ErrorCode::invalid, fmt::format("{}: {}", member, what));
}

Result<PricePart> read_part(const json::object& source) {
    PricePart part;
    const auto usd = find_number(source, "usd");
    if (!usd || !(*usd >= 0) || *usd > usd_max) {
        return wrong("price", "a rule needs \"usd\", a number of dollars from 0 to 100000");
    }
    part.micro_usd = std::llround(*usd * 1e6);
    const auto per = parse_price_unit(find_string(source, "per").value_or("request"));
    if (!per) {
        return wrong("price", "\"per\" is \"request\", \"second\", \"image\" or \"1000 characters\"");
    }
    part.unit = *per;
    part.of = find_string(source, "of").value_or("");
    if (part.unit != PriceUnit::request && part.of.empty()) {
        return wrong("price", "\"of\" has to name the input's member that is counted");
    }
    return part;
}

Result<PriceRule> read_rule(const json::object& source) {
    PriceRule rule;
    if (const auto* when = find_object(source, "when")) rule.when = *when;
    rule.sure = find_bool(source, "sure").value_or(false);
    auto first = read_part(source);
    if (!first) return first.error();
    rule.parts.push_back(std::move(*first));
    const auto* more = find_array(source, "plus");
    if (more == nullptr) return rule;
    for (const auto& one : *more) {
        const auto* object = one.if_object();
        auto part = object == nullptr ? Result<PricePart>(wrong("price", "\"plus\" holds objects"))
                                      : read_part(*object);
        if (!part) return part.error();
        rule.parts.push_back(std::move(*part));
    }
    return rule;
}

Status read_price(const json::object& file, Model& model) {
    const auto* given = find(file, "price");
    if (given == nullptr) return ok();
    const auto* price = given->if_object();
    if (price == nullptr) return wrong("price", "must be an object with \"rules\"");
    model.price.note = find_string(*price, "note").value_or("");
    const auto* rules = find_array(*price, "rules");
    if (rules == nullptr) return wrong("price", "\"rules\", a list, is missing");
    for (const auto& one : *rules) {
        const auto* object = one.if_object();
        if (object == nullptr) return wrong("price", "every rule must be an object");
        auto rule = read_rule(*object);
        if (!rule) return rule.error();
        model.price.rules.push_back(std::move(*rule));
    }
    return ok();
}

Status read_names(const json::object& file, Model& model) {
    for (const auto& member : file) {
        const std::string_view name = member.key();
        if (std::find(members_of_a_file.begin(), members_of_a_file.end(), name) !=
            members_of_a_file.end()) {
            continue;
        }
        return wrong(clip_utf8(name, 64), fmt::format("is unknown; a model has {}",
                                                      domain::listed(members_of_a_file)));
    }
    model.id = find_string(file, "id").value_or("");
    if (model.id.find('/') == std::string::npos || model.id.size() > 200 ||
        domain::has_control(model.id)) {
        return wrong("id", "must be an endpoint id such as \"fal-ai/minimax/video-01\"");
    }
    model.title = find_string(file, "title").value_or(model.id);
    const auto output = parse_output_kind(find_string(file, "output").value_or("video"));
    if (!output) return wrong("output", "must be \"video\", \"image\", \"audio\" or \"values\"");
    model.output = *output;
    return ok();
}

Status read_details(const json::object& file, Model& model) {
    if (const auto* seconds = find(file, "typical_seconds")) {
        model.typical_seconds = find_int(file, "typical_seconds");
        if (!model.typical_seconds || *model.typical_seconds < 0 ||
            *model.typical_seconds > seconds_max || !seconds->is_number()) {
            return wrong("typical_seconds", "must be a whole number of seconds, at most a week");
        }
    }
    if (const auto* advice = find(file, "advice")) {
        const auto* list = advice->if_array();
        if (list == nullptr) return wrong("advice", "must be a list of sentences");
        for (const auto& one : *list) {
            if (!one.is_string()) return wrong("advice", "must be a list of sentences");
            model.advice.emplace_back(one.get_string());
        }
    }
    return ok();
}

Status read_input(const json::object& file, Model& model) {
    const auto* input = find_object(file, "input");
    if (input == nullptr) {
        return wrong("input", "is missing; the JSON Schema of what the model takes belongs there");
    }
    auto plain = in_plain_form(*input, *input);
    if (!plain) return wrong("input", plain.error().context());
    model.input = std::move(*plain);
    if (find_object(model.input, "properties") == nullptr) {
        return wrong("input", "\"properties\", the members that the model takes, is missing");
    }
    model.input["type"] = "object";
    auto check = InputCheck::compile(model.input);
    if (!check) return wrong("input", check.error().context());
    model.check = std::move(*check);
    return ok();
}

Status read_example(const json::object& file, Model& model) {
    const auto* given = find(file, "example");
    if (given == nullptr) return ok();
    const auto* example = given->if_object();
    if (example == nullptr) return wrong("example", "must be an object: an input that is right");
    const auto mistakes = model.check->mistakes(*example);
    if (!mistakes.empty()) {
        return wrong("example", fmt::format("{} {}", mistakes.front().field,
                                            mistakes.front().message));
    }
    model.example = *example;
    return ok();
}

}  // namespace

Result<Model> read_model_file(std::string_view text, std::string source) {
    auto parsed = parse_json(text);
    if (!parsed) return parsed.error();
    if (!parsed->is_object()) return Error(ErrorCode::invalid, "must be a JSON object");
    json::object file = std::move(parsed->get_object());
    bool foreign = false;
    if (is_openapi(file)) {
        auto own = from_openapi(file);
        if (!own) return own.error();
        file = std::move(*own);
        foreign = true;
    }
    Model model;
    model.source = std::move(source);
    for (const auto step : {&read_names, &read_details, &read_price, &read_input}) {
        const Status read = step(file, model);
        if (!read) return read.error();
    }
    const Status shown = read_example(file, model);
    // A document's examples are not ours to mend: one that does not fit is left out.
    if (!shown && !foreign) return shown.error();
    return model;
}

}  // namespace reeld::catalogue
