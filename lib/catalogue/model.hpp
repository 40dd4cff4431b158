#pragma once
// One endpoint of a provider as the catalogue knows it: what it takes, gives and costs.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace reeld::catalogue {

class InputCheck;

enum class OutputKind { video, image, audio, values };
std::string_view to_string(OutputKind kind);
std::optional<OutputKind> parse_output_kind(std::string_view text);

// What a price is multiplied with; `of` of the part names the input's member.
enum class PriceUnit { request, second, image, thousand_characters };
std::string_view to_string(PriceUnit unit);
std::optional<PriceUnit> parse_price_unit(std::string_view text);

struct PricePart {
    std::int64_t micro_usd = 0;  // for one unit
    PriceUnit unit = PriceUnit::request;
    std::string of;              // empty for a request
};

// The first rule holds whose `when` agrees with the input, or with the default of what is not given.
struct PriceRule {
    json::object when;             // member: value; empty: always
    std::vector<PricePart> parts;  // added up
    bool sure = false;             // the provider's own documents name it
};

struct Price {
    std::vector<PriceRule> rules;  // none: not known
    std::string note;              // where an unsure price comes from
};

struct Model {
    std::string id;
    std::string title;
    OutputKind output = OutputKind::video;
    std::optional<std::int64_t> typical_seconds;  // of a run, without the queue
    Price price;
    json::object input;    // JSON Schema of an object, without references
    json::object example;  // a valid input
    std::vector<std::string> advice;
    std::string source;    // the file that it was read from; empty: it came with the program
    std::shared_ptr<const InputCheck> check;  // never null in a Catalogue
};

// The schema's description of one member; nothing when there is no such member.
const json::object* member_schema(const json::object& schema, std::string_view name);
// The member's value, else its default; nothing when it has neither.
const json::value* value_or_default(const Model& model, const json::object& input,
                                    std::string_view name);

}  // namespace reeld::catalogue
