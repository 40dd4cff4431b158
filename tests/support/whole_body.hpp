#pragma once
// All that a body gives, for clients that only play at sending.
#include <string>

#include "http/client.hpp"

namespace reeld::test {

inline Result<std::string> whole_body(http::BodySource& body, std::uint64_t piece = 64 * 1024) {
    std::string bytes(static_cast<std::size_t>(body.size()), '\0');
    for (std::uint64_t at = 0; at < bytes.size();) {
        const auto left = std::min<std::uint64_t>(piece, bytes.size() - at);
        auto got = body.read(at, {bytes.data() + at, static_cast<std::size_t>(left)});
        if (!got) return got.error();
        if (*got == 0) return Error(ErrorCode::io, "the body is shorter than it was");
        at += *got;
    }
    return bytes;
}

// A `send_from` that reads the body first; how much of it had left is then not known.
inline http::awaitable<Exchange> send_whole(http::Client& client, HttpRequest request,
                                            http::BodySource& body, http::RequestOptions options) {
    auto bytes = whole_body(body);
    if (!bytes) {
        Exchange exchange;
        exchange.delivery = Delivery::maybe_sent;
        exchange.error = bytes.error();
        co_return exchange;
    }
    request.body = std::move(*bytes);
    co_return co_await client.send(std::move(request), std::move(options));
}

// A body in memory.
class TextBody final : public http::BodySource {
  public:
    explicit TextBody(std::string bytes) : bytes_(std::move(bytes)) {}
    std::uint64_t size() const override { return bytes_.size(); }
    Result<std::size_t> read(std::uint64_t offset, std::span<char> out) override {
        reads.push_back(offset);
        if (fails_at && offset >= *fails_at) return Error(ErrorCode::io, "the file is gone");
        return bytes_.copy(out.data(), out.size(), static_cast<std::size_t>(offset));
    }
    std::vector<std::uint64_t> reads;
    std::optional<std::uint64_t> fails_at;

  private:
    std::string bytes_;
};

}  // namespace reeld::test
