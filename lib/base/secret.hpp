#pragma once
// A key or token that must not reach a log, a row, an error or a URL.
#include <string>
#include <string_view>

namespace reeld {

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}

    // The one way to read it; only the code that builds an Authorization header calls this.
    const std::string& reveal() const { return value_; }
    bool empty() const { return value_.empty(); }
    friend bool operator==(const Secret&, const Secret&) = default;

  private:
    std::string value_;
};

// The URL without its query and user info: what may be shown and logged of a signed URL.
std::string redact_url(std::string_view url);

}  // namespace reeld
