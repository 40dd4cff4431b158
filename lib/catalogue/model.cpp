#include "catalogue/model.hpp"

#include <array>
#include <utility>

namespace reeld::catalogue {
namespace {

constexpr std::array<std::pair<OutputKind, std::string_view>, 4> output_kinds{{
    {OutputKind::video, "video"},
    {OutputKind::image, "image"},
    {OutputKind::audio, "audio"},
    {OutputKind::values, "values"},
}};

constexpr std::array<std::pair<PriceUnit, std::string_view>, 4> price_units{{
    {PriceUnit::request, "request"},
    {PriceUnit::second, "second"},
    {PriceUnit::image, "image"},
    {PriceUnit::thousand_characters, "1000 characters"},
}};

template <class Table, class T>
std::string_view name_in(const Table& table, T wanted) {
    for (const auto& [value, name] : table) {
        if (value == wanted) return name;
    }
    return {};
}

template <class Table>
auto value_in(const Table& table, std::string_view wanted)
    -> std::optional<typename Table::value_type::first_type> {
    for (const auto& [value, name] : table) {
        if (name == wanted) return value;
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(OutputKind kind) { return name_in(output_kinds, kind); }
std::string_view to_string(PriceUnit unit) { return name_in(price_units, unit); }

std::optional<OutputKind> parse_output_kind(std::string_view text) {
    return value_in(output_kinds, text);
}

std::optional<PriceUnit> parse_price_unit(std::string_view text) {
    return value_in(price_units, text);
}

const json::object* member_schema(const json::object& schema, std::string_view name) {
    const auto* properties = find_object(schema, "properties");
    return properties == nullptr ? nullptr : find_object(*properties, name);
}

const json::value* value_or_default(const Model& model, const json::object& input,
                                    std::string_view name) {
    const json::value* given = find(input, name);
    if (given != nullptr && !given->is_null()) return given;
    const auto* schema = member_schema(model.input, name);
    return schema == nullptr ? nullptr : find(*schema, "default");
}

}  // namespace reeld::catalogue
