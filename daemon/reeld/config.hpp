#pragma once
// The configuration file: read and checked once, then plain values. Provider keys never stand in it.
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "provider_api/provider.hpp"

namespace reeld::daemon {

struct Paths {
    std::string state = "/var/lib/reeld";            // folder of reel.db and inbox.db
    std::string outputs = "/var/lib/reeld/outputs";  // folder
    std::string socket = "/run/reeld/reeld.sock";
};

struct Webhook {
    std::string listen;      // "127.0.0.1:8460", "[::1]:0"
    std::string public_url;  // absolute, without a trailing slash
};

enum class OnSubmitUnknown { hold, resubmit };

struct Retry {
    Millis base{2'000};
    Millis max{600'000};
};

// One `[providers.<name>]`.
struct ProviderSettings {
    bool named = false;               // its section stands in the file
    provider_api::ProviderConfig api;  // without the key; an empty URL is the provider's own default
    std::int64_t concurrency = 8;
    int requests_per_minute = 120;
    Millis poll_interval{15'000};
    int status_streams = 8;
    Millis submit_timeout{30'000};
    Millis submit_unknown_wait{900'000};
    OnSubmitUnknown on_submit_unknown = OnSubmitUnknown::hold;
    Retry retry;
    std::string key_file;  // empty: none
};

struct Downloads {
    std::int64_t concurrency = 4;
    Millis stall_timeout{30'000};
    std::uint64_t max_bytes = std::uint64_t{2} << 30;
    std::vector<std::string> allowed_hosts{"fal.media", "*.fal.media", "cdn-us.eachlabs.ai"};
};

struct KeepLimits {
    std::optional<Millis> max_age;
    std::optional<std::int64_t> max_count;
};

struct Retention {
    std::string export_folder;  // empty: <state>/exports
    KeepLimits completed;
    KeepLimits failed;
    KeepLimits cancelled;
    std::optional<Millis> evidence;
};

struct Inputs {
    std::vector<std::string> folders;  // absolute
    std::uint64_t max_bytes = std::uint64_t{1} << 30;
    std::uint64_t spool_max_bytes = std::uint64_t{20} << 30;
    Millis keep{7 * 24 * 3'600'000};
    std::uint64_t data_uri_max = 16 * 1024;
    std::int64_t upload_concurrency = 2;
};

struct Catalogue {
    std::string folder;  // of the user's own models; empty: none
};

struct Config {
    Paths paths;
    std::optional<Webhook> webhook;  // nothing: polling only
    // Every known provider, named in the file or not. One is in use when it is named, or when a key
    // for it is found (credentials.hpp).
    std::map<std::string, ProviderSettings> providers;
    Downloads downloads;
    Inputs inputs;
    Retention retention;
    Catalogue catalogue;
    log::Level log_level = log::Level::info;
    std::vector<std::string> warnings;  // allowed, but worth a line at start
};

// `file` is only for the messages; `providers` are the names that a section may have. The error
// (invalid) holds every mistake of the text, one "file:line: key: …" a line.
Result<Config> parse_config(std::string_view text, const std::string& file,
                            std::span<const std::string_view> providers);

// The same from disk, with the providers of this build. Errors: not_found, io, invalid.
Result<Config> load_config(const std::string& path);

// The configuration of an empty file.
Config default_config(std::span<const std::string_view> providers);

// The names in providers::registry().
std::vector<std::string_view> registered_providers();

// Where records go before they are removed.
std::string export_folder(const Config& config);

// Every key that the parser knows, as "section.key"; those of a provider as "providers.<name>.key".
std::vector<std::string> known_keys(std::span<const std::string_view> providers);

}  // namespace reeld::daemon
