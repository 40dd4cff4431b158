#pragma once
// Private to this room: name lookups, shared and remembered for a short while.
#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/task_group.hpp"

namespace reeld::http {

namespace asio = boost::asio;
template <class T>
using awaitable = runtime::awaitable<T>;

class ResolverCache {
  public:
    // `clock` dates the answers, `deadline_clock` bounds the waits.
    ResolverCache(asio::any_io_executor executor, runtime::Clock& clock,
                  runtime::Clock& deadline_clock);

    // getaddrinfo cannot be interrupted, so the limit is on the wait: a late answer still serves
    // the next caller.
    awaitable<Result<std::vector<asio::ip::address>>> lookup(std::string host, Millis limit);

  private:
    struct Entry;
    std::shared_ptr<Entry> start(const std::string& host);

    asio::any_io_executor executor_;
    runtime::Clock& clock_;
    runtime::Clock& deadline_clock_;
    asio::ip::tcp::resolver resolver_;
    std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace reeld::http
