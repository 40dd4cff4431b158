#include "sandbox/python_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace reeld::sandbox {

namespace {

void write_escape(std::string& out, unsigned unit) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit);
}

void write_point(std::string& out, char32_t point) {
    if (point < 0x10000) return write_escape(out, static_cast<unsigned>(point));
    const auto rest = static_cast<unsigned>(point - 0x10000);
    write_escape(out, 0xD800 + (rest >> 10));
    write_escape(out, 0xDC00 + (rest & 0x3FF));
}

// `text` is valid UTF-8: it was parsed as JSON or written here.
char32_t read_point(std::string_view text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    const int more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    char32_t point = more == 0 ? lead : lead & (0x3FU >> more);
    for (int i = 0; i < more && at < text.size(); ++i) {
        point = point << 6 | (static_cast<unsigned char>(text[at++]) & 0x3FU);
    }
    return point;
}

void write_string(std::string& out, std::string_view text) {
    out.push_back('"');
    for (std::size_t at = 0; at < text.size();) {
        const char32_t point = read_point(text, at);
        switch (point) {
            case U'"':
                out += "\\\"";
                break;
            case U'\\':
                out += "\\\\";
                break;
            case U'\n':
                out += "\\n";
                break;
            case U'\r':
                out += "\\r";
                break;
            case U'\t':
                out += "\\t";
                break;
            case U'\b':
                out += "\\b";
                break;
            case U'\f':
                out += "\\f";
                break;
            default:
                if (point >= 0x20 && point < 0x7F) {
                    out.push_back(static_cast<char>(point));
                } else {
                    write_point(out, point);
                }
        }
    }
    out.push_back('"');
}

void write_value(std::string& out, const json::value& value);

void write_object(std::string& out, const json::object& object) {
    std::vector<std::string_view> keys;
    for (const auto& member : object) {
        keys.push_back(member.key());
    }
    std::sort(keys.begin(), keys.end());
    std::string_view gap;
    out.push_back('{');
    for (const std::string_view key : keys) {
        out += gap;
        write_string(out, key);
        out += ": ";
        write_value(out, object.at(key));
        gap = ", ";
    }
    out.push_back('}');
}

void write_array(std::string& out, const json::array& array) {
    std::string_view gap;
    out.push_back('[');
    for (const json::value& item : array) {
        out += gap;
        write_value(out, item);
        gap = ", ";
    }
    out.push_back(']');
}

void write_double(std::string& out, double number) {
    const std::string text = fmt::format("{}", number);
    out += text;
    if (text.find_first_of(".en") == text.npos) out += ".0";
}

void write_value(std::string& out, const json::value& value) {
    switch (value.kind()) {
        case json::kind::null:
            out += "null";
            break;
        case json::kind::bool_:
            out += value.get_bool() ? "true" : "false";
            break;
        case json::kind::int64:
            out += std::to_string(value.get_int64());
            break;
        case json::kind::uint64:
            out += std::to_string(value.get_uint64());
            break;
        case json::kind::double_:
            write_double(out, value.get_double());
            break;
        case json::kind::string:
            write_string(out, value.get_string());
            break;
        case json::kind::array:
            write_array(out, value.get_array());
            break;
        case json::kind::object:
            write_object(out, value.get_object());
            break;
    }
}

}  // namespace

std::string python_json(const json::value& value) {
    std::string out;
    write_value(out, value);
    return out;
}

}  // namespace reeld::sandbox
