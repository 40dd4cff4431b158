#include "http/connection_pool.hpp"

#include <algorithm>

#include "base/retry_branch.hpp"

namespace reeld::http {

std::unique_ptr<Stream> ConnectionPool::take(const std::string& key, Millis idle_max) {
    drop_old();
    const auto found = idle_.find(key);
    if (found == idle_.end()) return nullptr;
    auto& streams = found->second;
    while (!streams.empty()) {
        // The newest first: if it is too old for the caller, all are.
        if (clock_.elapsed() - streams.back().since >= idle_max) return nullptr;
        auto stream = std::move(streams.back().stream);
        streams.pop_back();
        if (!stream->spoiled()) return stream;
        retry_branch::taken(RetryBranch::pool_replaced);
    }
    return nullptr;
}

void ConnectionPool::put(const std::string& key, std::unique_ptr<Stream> stream) {
    drop_old();
    auto& streams = idle_[key];
    if (streams.size() >= per_origin_max_) return;
    Idle idle{std::move(stream), clock_.elapsed()};
    streams.push_back(std::move(idle));
}

void ConnectionPool::drop_old() {
    // A machine's sleep counts: no connection outlives it, however fresh it looks from here.
    const Millis now = clock_.elapsed();
    for (auto at = idle_.begin(); at != idle_.end();) {
        std::erase_if(at->second, [&](const Idle& idle) { return now - idle.since >= idle_max_; });
        at = at->second.empty() ? idle_.erase(at) : std::next(at);
    }
}

}  // namespace reeld::http
