#include "api/json_text.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

namespace reeld::api {
namespace {

void write(const json::value& value, std::string& out) {
    if (const auto* object = value.if_object()) {
        out.push_back('{');
        bool first = true;
        for (const auto& member : *object) {
            if (!first) out.push_back(',');
            first = false;
            out += json::serialize(json::string_view(member.key()));
            out.push_back(':');
            write(member.value(), out);
        }
        out.push_back('}');
    } else if (const auto* array = value.if_array()) {
        out.push_back('[');
        for (std::size_t i = 0; i < array->size(); ++i) {
            if (i > 0) out.push_back(',');
            write((*array)[i], out);
        }
        out.push_back(']');
    } else if (const auto* number = value.if_double()) {
        out += fmt::format("{}", *number);
    } else {
        out += json::serialize(value);
    }
}

}  // namespace

std::string json_text(const json::value& value) {
    std::string out;
    write(value, out);
    return out;
}

}  // namespace reeld::api
