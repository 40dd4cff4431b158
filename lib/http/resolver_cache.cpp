#include "http/resolver_cache.hpp"

#include <algorithm>

#include "base/retry_branch.hpp"

namespace reeld::http {
namespace {

constexpr Millis remembered_for = std::chrono::seconds{30};
constexpr std::size_t entries_max = 256;

}  // namespace

struct ResolverCache::Entry {
    explicit Entry(const asio::any_io_executor& executor) : answered(executor) {}
    bool pending = true;
    Millis since{};
    boost::system::error_code failure;
    std::vector<asio::ip::address> addresses;
    runtime::Bell answered;
};

ResolverCache::ResolverCache(asio::any_io_executor executor, runtime::Clock& clock,
                             runtime::Clock& deadline_clock)
    : executor_(std::move(executor)),
      clock_(clock),
      deadline_clock_(deadline_clock),
      resolver_(executor_) {}

std::shared_ptr<ResolverCache::Entry> ResolverCache::start(const std::string& host) {
    if (entries_.size() >= entries_max) entries_.clear();
    auto entry = std::make_shared<Entry>(executor_);
    entry->since = clock_.elapsed();
    entries_[host] = entry;
    auto on_answer = [entry](const boost::system::error_code& failure,
                             const asio::ip::tcp::resolver::results_type& found) {
        entry->failure = failure;
        for (const auto& item : found)
            entry->addresses.push_back(item.endpoint().address());
        entry->pending = false;
        entry->answered.ring();
    };
    resolver_.async_resolve(host, "", std::move(on_answer));
    return entry;
}

awaitable<Result<std::vector<asio::ip::address>>> ResolverCache::lookup(std::string host,
                                                                        Millis limit) {
    boost::system::error_code not_an_address;
    const auto literal = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) co_return std::vector<asio::ip::address>(1, literal);
    const auto known = entries_.find(host);
    const bool usable =
        known != entries_.end() && !known->second->failure &&
        (known->second->pending || clock_.elapsed() - known->second->since < remembered_for);
    if (known != entries_.end() && known->second->failure) retry_branch::taken(RetryBranch::names_asked_again);
    const auto entry = usable ? known->second : start(host);
    const Millis begun = deadline_clock_.monotonic();
    while (entry->pending) {
        const Millis left = limit - (deadline_clock_.monotonic() - begun);
        if (left <= Millis{0}) co_return Error(ErrorCode::timeout, "look up " + host);
        co_await entry->answered.wait_for(deadline_clock_, left);
    }
    if (entry->failure) co_return Error(ErrorCode::unreachable, "look up " + host, entry->failure);
    co_return entry->addresses;
}

}  // namespace reeld::http
