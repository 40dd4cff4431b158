#pragma once
// Strong identifiers: a job's id cannot be passed where a provider's request id is meant.
#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace reeld {

template <class Tag>
class Id {
  public:
    Id() = default;
    explicit Id(std::string text) : text_(std::move(text)) {}
    const std::string& str() const { return text_; }
    bool empty() const { return text_.empty(); }
    friend bool operator==(const Id&, const Id&) = default;
    friend auto operator<=>(const Id&, const Id&) = default;

  private:
    std::string text_;
};

using JobId = Id<struct JobTag>;          // [A-Za-z0-9._-]{1,64}
using RequestId = Id<struct RequestTag>;  // the provider's, opaque
using Token = Id<struct TokenTag>;        // 128 random bits of one submit, 32 lower-case hex digits

// True for a text that may be a job's id.
bool is_job_id(std::string_view text);

}  // namespace reeld

template <class Tag>
struct std::hash<reeld::Id<Tag>> {
    std::size_t operator()(const reeld::Id<Tag>& id) const noexcept {
        return std::hash<std::string>{}(id.str());
    }
};
