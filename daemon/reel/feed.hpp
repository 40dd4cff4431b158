#pragma once
// The daemon's event stream as news: which jobs changed since the last look.
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "reel/session.hpp"
#include "base/sse_reader.hpp"

namespace reeld::reel {

struct Feed {
    explicit Feed(runtime::asio::any_io_executor executor) : bell(std::move(executor)) {}

    runtime::Bell bell;           // rings for each piece of news
    bool connected = false;
    bool everything = true;       // look at all jobs: (re)connected, or never looked
    std::set<std::string> jobs;   // changed
    std::map<std::string, std::string> logs;  // the newest line of each job's log
    std::vector<SseEvent> events; // since the last look, when kept
    bool keep_events = false;
};

// Reads the stream until it is cancelled; comes back with the last id after every cut, so nothing is
// missed over a restart of the daemon. `session` must outlive the task.
awaitable<void> read_feed(Session& session, std::shared_ptr<Feed> feed);

}  // namespace reeld::reel
