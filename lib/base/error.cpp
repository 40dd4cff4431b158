#include "base/error.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace reeld {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid: return "invalid";
        case ErrorCode::not_found: return "not_found";
        case ErrorCode::conflict: return "conflict";
        case ErrorCode::unreachable: return "unreachable";
        case ErrorCode::timeout: return "timeout";
        case ErrorCode::reset: return "reset";
        case ErrorCode::too_large: return "too_large";
        case ErrorCode::refused: return "refused";
        case ErrorCode::disk_full: return "disk_full";
        case ErrorCode::io: return "io";
        case ErrorCode::busy: return "busy";
        case ErrorCode::corrupt: return "corrupt";
        case ErrorCode::unsupported: return "unsupported";
        case ErrorCode::cancelled: return "cancelled";
        case ErrorCode::internal: return "internal";
    }
    return "internal";
}

std::string Error::message() const {
    if (!cause_) return context_.empty() ? std::string(to_string(code_)) : context_;
    if (context_.empty()) return cause_.message();
    return fmt::format("{}: {}", context_, cause_.message());
}

void throw_exception_from_error(const Error& error, const boost::source_location&) {
    throw std::runtime_error(error.message());
}

}  // namespace reeld
