#pragma once
// Error: what went wrong, as a value. Never holds a secret or a signed URL.
#include <boost/system/error_code.hpp>
#include <string>
#include <string_view>

namespace reeld {

enum class ErrorCode {
    invalid,      // the caller's or the peer's data breaks a rule; `context` names the field
    not_found,
    conflict,     // the thing exists already, or its state forbids the request
    unreachable,  // nothing was sent: name lookup, connect or TLS failed
    timeout,
    reset,        // the connection ended before the exchange did
    too_large,    // a limit on headers, body or file was passed
    refused,      // a policy forbids it: host not allowed, private address, plain http
    disk_full,
    io,
    busy,         // a lock is held by somebody else; try again later
    corrupt,      // stored or received bytes do not verify
    unsupported,
    cancelled,
    internal,
};

std::string_view to_string(ErrorCode code);

class [[nodiscard]] Error {
  public:
    Error() = default;
    Error(ErrorCode code, std::string context, boost::system::error_code cause = {})
        : code_(code), context_(std::move(context)), cause_(cause) {}

    ErrorCode code() const { return code_; }
    const std::string& context() const { return context_; }
    const boost::system::error_code& cause() const { return cause_; }

    // One line for people: the context, then the system's words when there are any.
    std::string message() const;

  private:
    ErrorCode code_ = ErrorCode::internal;
    std::string context_;
    boost::system::error_code cause_;
};

// Found by argument-dependent lookup from boost::system::result::value().
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

}  // namespace reeld
