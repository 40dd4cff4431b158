#include "catalogue/openapi.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "catalogue/schema_form.hpp"

namespace reeld::catalogue {
namespace {

const json::object* object_at(const json::object& from, std::initializer_list<const char*> path) {
    const json::object* at = &from;
    for (const char* key : path) {
        at = at == nullptr ? nullptr : find_object(*at, key);
    }
    return at;
}

// The operation that takes the input: the first post with a JSON body.
const json::object* input_schema(const json::object& document) {
    const auto* paths = find_object(document, "paths");
    if (paths == nullptr) return nullptr;
    for (const auto& path : *paths) {
        const auto* item = path.value().if_object();
        if (item == nullptr) continue;
        const auto* schema = object_at(
            *item, {"post", "requestBody", "content", "application/json", "schema"});
        if (schema != nullptr) return schema;
    }
    return nullptr;
}

// The answer of the endpoint itself; the queue's own answers describe a status.
const json::object* output_schema(const json::object& document) {
    const auto* schemas = object_at(document, {"components", "schemas"});
    if (schemas == nullptr) return nullptr;
    for (const auto& schema : *schemas) {
        const std::string_view name = schema.key();
        if (name.ends_with("Output") && schema.value().is_object()) {
            return &schema.value().get_object();
        }
    }
    return nullptr;
}

std::string_view output_kind(const json::object& document) {
    const auto* schema = output_schema(document);
    const auto* members = schema == nullptr ? nullptr : find_object(*schema, "properties");
    if (members == nullptr) return "values";
    if (find(*members, "video") != nullptr || find(*members, "videos") != nullptr) return "video";
    if (find(*members, "image") != nullptr || find(*members, "images") != nullptr) return "image";
    if (find(*members, "audio") != nullptr || find(*members, "audio_file") != nullptr) {
        return "audio";
    }
    return "values";
}

bool names_a_file(std::string_view name) {
    return name.ends_with("_url") || name.ends_with("_urls");
}

// The documents leave the format of most URLs out; their names tell it.
void mark_urls(json::object& properties) {
    for (auto& member : properties) {
        auto* schema = member.value().if_object();
        if (schema == nullptr || !names_a_file(member.key())) continue;
        auto* items = schema->if_contains("items");
        json::object* text = items == nullptr ? schema : items->if_object();
        if (text != nullptr && find_string(*text, "type") == "string") (*text)["format"] = "uri";
    }
}

json::object ordered(const json::object& properties, const json::object& schema) {
    json::object sorted;
    if (const auto* order = find_array(schema, "x-fal-order-properties")) {
        for (const auto& name : *order) {
            const auto* text = name.if_string();
            const auto* member = text == nullptr ? nullptr : find(properties, *text);
            if (member != nullptr) sorted[*text] = *member;
        }
    }
    for (const auto& member : properties) sorted.emplace(member.key(), member.value());
    return sorted;
}

const json::object& without_reference(const json::object& schema, const json::object& document) {
    const auto reference = find_string(schema, "$ref");
    constexpr std::string_view components = "#/components/schemas/";
    if (!reference || !reference->starts_with(components)) return schema;
    const auto* schemas = object_at(document, {"components", "schemas"});
    const auto* named =
        schemas == nullptr ? nullptr : find_object(*schemas, reference->substr(components.size()));
    return named == nullptr ? schema : *named;
}

// One example for each member that has one.
json::object example_of(const json::object& input) {
    json::object example;
    const auto* properties = find_object(input, "properties");
    const auto* required = find_array(input, "required");
    if (properties == nullptr) return example;
    for (const auto& member : *properties) {
        const auto* schema = member.value().if_object();
        const auto* examples = schema == nullptr ? nullptr : find_array(*schema, "examples");
        const bool needed =
            required != nullptr &&
            std::find(required->begin(), required->end(), json::value(member.key())) !=
                required->end();
        if (needed && examples != nullptr && !examples->empty()) {
            example[member.key()] = examples->front();
        }
    }
    return example;
}

}  // namespace

bool is_openapi(const json::object& document) {
    return find(document, "openapi") != nullptr || find(document, "paths") != nullptr;
}

Result<json::object> from_openapi(const json::object& document) {
    const auto* metadata = object_at(document, {"info", "x-fal-metadata"});
    const auto id = metadata == nullptr ? std::nullopt : find_string(*metadata, "endpointId");
    if (!id) {
        return Error(ErrorCode::invalid,
                     "info.x-fal-metadata.endpointId is missing: the endpoint's id belongs there");
    }
    const auto* source = input_schema(document);
    if (source == nullptr) {
        return Error(ErrorCode::invalid, "no path has a post with a requestBody of JSON");
    }
    auto input = in_plain_form(*source, document);
    if (!input) return input.error();
    auto* properties = input->if_contains("properties");
    if (properties == nullptr || !properties->is_object()) {
        return Error(ErrorCode::invalid, "the schema of its requestBody has no properties");
    }
    json::object members =
        ordered(properties->get_object(), without_reference(*source, document));
    mark_urls(members);
    (*input)["properties"] = std::move(members);
    json::object file;
    file["id"] = *id;
    const auto* info = find_object(document, "info");
    file["title"] = find_string(*info, "title").value_or(*id);
    file["output"] = output_kind(document);
    json::object example = example_of(*input);
    file["input"] = std::move(*input);
    if (!example.empty()) file["example"] = std::move(example);
    return file;
}

}  // namespace reeld::catalogue
