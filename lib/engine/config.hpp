#pragma once
// What the engine is told: one plain value, replaced whole on a reload.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalogue/catalogue.hpp"
#include "domain/provider_gate.hpp"
#include "domain/transition.hpp"
#include "provider_api/provider.hpp"

namespace reeld::engine {

struct ProviderSetup {
    std::shared_ptr<const provider_api::Provider> provider;
    domain::Policy policy;
    domain::GateLimits limits;
    int status_streams = 0;                // jobs whose status is streamed at once
    bool has_key = false;
    bool allow_plain_http = false;         // the user named an http URL
    bool allow_private_addresses = false;  // the user named a host that is not public
};

struct DownloadSetup {
    std::string outputs;                      // folder, absolute
    int concurrency = 4;
    Millis stall_timeout{30'000};
    Millis total_timeout{7'200'000};
    std::uint64_t max_bytes = 2ull << 30;
    std::vector<std::string> allowed_hosts;   // where results may come from
    std::vector<std::string> named_hosts;     // may be plain http or private: the user named them
    std::uint64_t disk_reserve_bytes = 256ull << 20;
};

// Local files in inputs.
struct InputSetup {
    std::vector<std::string> folders;  // absolute; jobs may name files below them
    std::string spool;                 // absolute; for files that came over the socket. Empty: none
    std::uint64_t file_max_bytes = 1ull << 30;    // of one file over the socket
    std::uint64_t spool_max_bytes = 20ull << 30;  // of all files in it together
    Millis keep = std::chrono::hours{7 * 24};     // of those that no unfinished job names
    // Between two looks for such files; whoever asks for one has as long to name it in a job.
    Millis tidy_interval = std::chrono::hours{1};
    std::uint64_t data_uri_max = 16ull << 10;     // longer files are uploaded; 0: all of them
    int upload_concurrency = 2;                   // jobs at once, for each provider
};

// Whatever is not set is kept for ever.
struct RetentionLimits {
    std::optional<Millis> max_age;           // since the end
    std::optional<std::int64_t> max_count;   // ended jobs of that state
    friend bool operator==(const RetentionLimits&, const RetentionLimits&) = default;
};

struct RetentionSetup {
    std::map<domain::State, RetentionLimits> jobs;  // by final state
    std::optional<Millis> evidence_max_age;         // of ended jobs
    std::string export_folder;                      // absolute
    int slice = 50;  // records at once: some ten milliseconds of the loop
};

struct EngineConfig {
    std::map<std::string, ProviderSetup> providers;  // by registry name, asked in this order
    DownloadSetup downloads;
    RetentionSetup retention;
    InputSetup inputs;
    // What inputs are compared with before they become jobs; null: they are taken as they are.
    std::shared_ptr<const catalogue::Catalogue> catalogue;
    std::string webhook_public_url;  // without a trailing slash; empty: polling only
    Millis inbox_interval{5'000};    // the slow timer behind the file notification
    Millis stop_grace{8'000};        // how long a stop waits for submits in flight
};

}  // namespace reeld::engine
