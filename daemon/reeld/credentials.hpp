#pragma once
// Where a provider's key comes from: a systemd credential, a key file, the environment.
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace reeld::daemon {

// What stands outside the program, behind a seam that tests fill.
class KeySources {
  public:
    struct KeyFile {
        std::string content;
        unsigned mode = 0;  // permission bits
    };

    virtual ~KeySources() = default;
    virtual std::optional<std::string> environment(const std::string& name) const = 0;
    // Nothing when there is no such file. Errors: io, too_large (more than 4 KiB).
    virtual Result<std::optional<KeyFile>> read(const std::string& path) const = 0;
};

std::unique_ptr<KeySources> system_key_sources();

struct FoundKey {
    Secret key;          // empty: there is none anywhere
    std::string source;  // "credential fal_key", "key_file /…", "environment FAL_KEY"; empty: none
};

// The first of $CREDENTIALS_DIRECTORY/<provider>_key, `key_file` (empty: not set) and the
// environment. A source that is there but unusable is an error, not a reason to try the next: the
// jobs must not be billed to an account that nobody meant. Errors: invalid, refused, not_found, io,
// too_large.
Result<FoundKey> find_key(const std::string& provider, const std::string& key_file,
                          const KeySources& sources);

// For doctor and for errors: where a key may be put.
std::string where_keys_are_looked_for(const std::string& provider, const std::string& key_file);

}  // namespace reeld::daemon
