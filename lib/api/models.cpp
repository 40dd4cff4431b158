#include "api/models.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/job_json.hpp"
#include "catalogue/catalogue.hpp"
#include "catalogue/wanted.hpp"
#include "domain/suggest.hpp"

namespace reeld::api {
namespace {

using catalogue::Model;

json::value usd(const std::optional<std::int64_t>& micro) {
    if (!micro) return nullptr;
    return static_cast<double>(*micro) / 1e6;
}

json::object price_json(const Model& model) {
    const auto& rules = model.price.rules;
    json::object price;
    price["text"] = catalogue::price_text(model);
    price["sure"] = !rules.empty() && std::all_of(rules.begin(), rules.end(),
                                                  [](const auto& rule) { return rule.sure; });
    price["example_usd"] = usd(catalogue::estimate(model, model.example).micro_usd);
    return price;
}

json::object part_json(const catalogue::PricePart& part) {
    json::object object;
    object["usd"] = usd(part.micro_usd);
    object["per"] = catalogue::to_string(part.unit);
    object["of"] = text_or_null(part.of);
    return object;
}

json::array rules_json(const Model& model) {
    json::array rules;
    for (const auto& rule : model.price.rules) {
        json::object object;
        object["when"] = rule.when;
        json::array parts;
        for (const auto& part : rule.parts) parts.push_back(part_json(part));
        object["parts"] = std::move(parts);
        object["sure"] = rule.sure;
        rules.push_back(std::move(object));
    }
    return rules;
}

json::object summary(const engine::Control& control, const Model& model) {
    json::object object;
    object["id"] = model.id;
    object["title"] = model.title;
    object["provider"] = text_or_null(control.provider_of(model.id).value_or(""));
    object["output"] = catalogue::to_string(model.output);
    object["typical_seconds"] =
        model.typical_seconds ? json::value(*model.typical_seconds) : json::value(nullptr);
    object["price"] = price_json(model);
    object["source"] = text_or_null(model.source);
    return object;
}

json::value default_of(const json::object& schema) {
    const auto* value = find(schema, "default");
    return value == nullptr ? json::value(nullptr) : *value;
}

bool is_required(const json::object& schema, std::string_view name) {
    const auto* names = find_array(schema, "required");
    return names != nullptr && std::any_of(names->begin(), names->end(), [&](const auto& one) {
               return one.is_string() && std::string_view(one.get_string()) == name;
           });
}

// Members of members are told by their path.
void add_fields(json::array& fields, const json::object& schema, const std::string& above) {
    constexpr std::size_t fields_max = 500;
    const auto* properties = find_object(schema, "properties");
    if (properties == nullptr) return;
    for (const auto& member : *properties) {
        const auto* described = member.value().if_object();
        if (described == nullptr || fields.size() >= fields_max) continue;
        const std::string name = above + std::string(member.key());
        json::object field;
        field["name"] = name;
        field["required"] = is_required(schema, member.key());
        const auto* type = find(*described, "type");
        field["type"] = type == nullptr ? json::value(nullptr) : *type;
        field["default"] = default_of(*described);
        field["takes"] = catalogue::wanted(*described);
        field["description"] = text_or_null(find_string(*described, "description").value_or(""));
        fields.push_back(std::move(field));
        add_fields(fields, *described, name + ".");
    }
}

Problem unknown_model(const catalogue::Catalogue* known, std::string_view id) {
    const auto near = known == nullptr ? std::vector<std::string>() : known->nearest(id);
    Problem problem(404, "not_found",
                    fmt::format("{} is not in the catalogue of models.", domain::quoted(id)));
    json::array candidates;
    for (const auto& name : near) candidates.push_back(json::value(name));
    if (!candidates.empty()) problem.members["candidates"] = std::move(candidates);
    return problem;
}

}  // namespace

json::object estimate_json(const catalogue::Estimate& estimate) {
    json::object object;
    object["usd"] = usd(estimate.micro_usd);
    object["sure"] = estimate.sure;
    object["basis"] = estimate.basis;
    return object;
}

json::value models_json(const engine::Control& control) {
    json::array models;
    const auto known = control.catalogue();
    if (known != nullptr) {
        for (const auto& [id, model] : known->models()) {
            models.push_back(summary(control, model));
        }
    }
    json::object answer;
    answer["models"] = std::move(models);
    json::array mistakes;
    if (known != nullptr) {
        for (const auto& mistake : known->mistakes()) mistakes.push_back(json::value(mistake));
    }
    answer["mistakes"] = std::move(mistakes);
    return answer;
}

Answer<json::value> model_json(const engine::Control& control, std::string_view id) {
    const auto known = control.catalogue();
    const Model* model = known == nullptr ? nullptr : known->find(id);
    if (model == nullptr) return unknown_model(known.get(), id);
    json::object object = summary(control, *model);
    json::object price = object["price"].as_object();
    price["rules"] = rules_json(*model);
    price["note"] = text_or_null(model->price.note);
    object["price"] = std::move(price);
    json::array fields;
    add_fields(fields, model->input, "");
    object["fields"] = std::move(fields);
    object["input"] = model->input;
    object["example"] = model->example;
    json::array advice;
    for (const auto& sentence : model->advice) advice.push_back(json::value(sentence));
    object["advice"] = std::move(advice);
    return json::value(std::move(object));
}

}  // namespace reeld::api
