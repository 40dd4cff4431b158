#pragma once
// Fetches one output of one job: from its URL to a verified, durable file under its planned path.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "domain/event.hpp"
#include "http/client.hpp"
#include "runtime/clock.hpp"
#include "runtime/file_system.hpp"

namespace reeld::engine {

template <class T>
using awaitable = runtime::awaitable<T>;

struct DownloadConfig {
    std::string outputs;  // absolute folder; nothing is written outside of it
    Millis stall_timeout{30'000};
    Millis total_timeout{7'200'000};  // of one fetch
    std::uint64_t max_bytes = 2ull << 30;
    // Patterns as for host_matches(). A named host is allowed too, and it alone may be reached by
    // plain http or at a private address: it is one that the user wrote into the configuration.
    std::vector<std::string> allowed_hosts;
    std::vector<std::string> named_hosts;
    std::uint64_t disk_reserve_bytes = 0;  // stays free whatever is fetched
    int redirects_max = 5;
};

struct FetchTask {
    JobId job;
    int index = 0;  // of the output
    std::string url;
    std::string target;                           // absolute, planned and durable in the store
    std::string part;                             // part_path(target, job)
    std::optional<std::uint64_t> expected_bytes;  // the provider's word, when it gave one
    domain::MediaKind kind = domain::MediaKind::any;  // what was promised …
    std::string content_type;                         // … in the provider's words
    // The bytes, when they are here already: nothing is asked of anybody.
    std::shared_ptr<const std::string> content;
};

// The task for an output whose path is planned.
FetchTask make_fetch_task(const JobId& job, const domain::Output& output);

struct DownloadDeps {
    runtime::Clock& clock;
    runtime::FileSystem& files;
    http::Client& client;
};

class Downloader {
  public:
    Downloader(DownloadDeps deps, DownloadConfig config);

    // For the fetches that begin from now on.
    void configure(DownloadConfig config) { config_ = std::move(config); }

    // OutputStored or FetchFailed; throws for cancellation only, and what came so far is kept for
    // the next try. One fetch per part at a time. Of the error codes one asks for action:
    // "path_taken" (a foreign file stands under the target: plan another name).
    awaitable<domain::Event> fetch(FetchTask task);

    // A file that an earlier run published without living to record it: the part is gone, the
    // target is there, has the expected size and is media. fetch() looks here first.
    awaitable<std::optional<domain::event::OutputStored>> find_stored(FetchTask task);

    // Removes what earlier runs left in `folder` for jobs that need it no more; answers the names.
    Result<std::vector<std::string>> remove_stale_parts(
        const std::string& folder, const std::function<bool(const std::string& part)>& is_owned);

  private:
    DownloadDeps deps_;
    DownloadConfig config_;
};

}  // namespace reeld::engine
