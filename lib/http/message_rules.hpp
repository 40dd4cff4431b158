#pragma once
// Private to this room: what may stand in a message's head, so that nothing can be smuggled into
// it.
#include <algorithm>
#include <string_view>

#include "base/encoding.hpp"

namespace reeld::http {

// RFC 9110 token: methods and field names.
inline bool is_token(std::string_view text) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               marks.find(c) != std::string_view::npos;
    });
}

// No CR, LF, NUL or other control character but the tab.
inline bool is_field_value(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
    });
}

// False for bytes that Beast's parser must not see before more of them are here. A chunked body may
// end with "0", CR LF and CR LF; given the first three of these five and then four, Boost 1.81 aborts.
template <class Parser, class Buffer>
bool may_parse(const Parser& parser, const Buffer& buffer) {
    const std::string_view bytes(static_cast<const char*>(buffer.data().data()), buffer.size());
    if (!parser.is_header_done() || !parser.chunked()) return !bytes.empty();
    return !bytes.empty() && (bytes.size() >= 5 || !bytes.starts_with("0\r\n"));
}

// Fields that only the transport may write.
inline bool is_framing_field(std::string_view name) {
    for (const std::string_view own : {"Content-Length", "Transfer-Encoding", "Connection",
                                       "Keep-Alive", "Upgrade", "TE", "Trailer"}) {
        if (equals_ignoring_case(name, own)) return true;
    }
    return false;
}

}  // namespace reeld::http
