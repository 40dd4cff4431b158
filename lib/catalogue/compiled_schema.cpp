// The only file that includes valijson: it is header-only and slow to compile.
#include "catalogue/compiled_schema.hpp"

#include <fmt/format.h>

#include <exception>

// Without this a bad schema, which a user's file may well hold, would end the program.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace reeld::catalogue {

namespace {

json::value without_patterns(const json::value& schema) {
    if (const auto* array = schema.if_array()) {
        json::array kept;
        for (const auto& one : *array) kept.push_back(without_patterns(one));
        return kept;
    }
    const auto* object = schema.if_object();
    if (object == nullptr) return schema;
    json::object kept;
    for (const auto& member : *object) {
        const std::string_view key = member.key();
        if (key == "pattern" || key == "patternProperties") continue;
        // What is compared as a value is no schema.
        const bool plain = key == "enum" || key == "const";
        kept[key] = plain ? member.value() : without_patterns(member.value());
    }
    return kept;
}

}  // namespace

struct CompiledSchema::State {
    valijson::Schema schema;
};

CompiledSchema::CompiledSchema(std::unique_ptr<const State> state) : state_(std::move(state)) {}
CompiledSchema::~CompiledSchema() = default;
CompiledSchema::CompiledSchema(CompiledSchema&&) noexcept = default;
CompiledSchema& CompiledSchema::operator=(CompiledSchema&&) noexcept = default;

Result<CompiledSchema> CompiledSchema::compile(const json::object& schema) {
    // The library tells of a bad schema by exceptions; here they end.
    try {
        auto state = std::make_unique<State>();
        const json::value document = without_patterns(json::value(schema));
        valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
        parser.populateSchema(valijson::adapters::BoostJsonAdapter(document), state->schema);
        return CompiledSchema(std::move(state));
    } catch (const std::exception& failure) {
        return Error(ErrorCode::invalid, fmt::format("is no JSON Schema: {}", failure.what()));
    }
}

bool CompiledSchema::accepts(const json::value& value) const {
    valijson::Validator validator;
    const valijson::adapters::BoostJsonAdapter target(value);
    return validator.validate(state_->schema, target, nullptr);
}

}  // namespace reeld::catalogue
