#include "reeld/credentials.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

namespace reeld::daemon {
namespace {

constexpr std::size_t key_bytes_max = 4096;

class SystemKeySources final : public KeySources {
  public:
    std::optional<std::string> environment(const std::string& name) const override {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return std::string(value);
    }

    Result<std::optional<KeyFile>> read(const std::string& path) const override {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::optional<KeyFile>{};
        if (fd < 0) return failure(path);
        auto file = read_open(fd, path);
        ::close(fd);
        return file;
    }

  private:
    static Error failure(const std::string& path) {
        return {ErrorCode::io, path, {errno, boost::system::system_category()}};
    }

    static Result<std::optional<KeyFile>> read_open(int fd, const std::string& path) {
        struct stat facts {};
        if (::fstat(fd, &facts) != 0) return failure(path);
        if (!S_ISREG(facts.st_mode)) return Error(ErrorCode::io, path + " is not a regular file");
        KeyFile file;
        file.mode = facts.st_mode & 07777u;
        std::array<char, key_bytes_max + 1> buffer{};
        while (file.content.size() <= key_bytes_max) {
            const auto got = ::read(fd, buffer.data(), buffer.size());
            if (got < 0) return failure(path);
            if (got == 0) return std::optional<KeyFile>{std::move(file)};
            file.content.append(buffer.data(), static_cast<std::size_t>(got));
        }
        return Error(ErrorCode::too_large, path + " is larger than a key of 4 KiB");
    }
};

// One line of printable ASCII; the final newline that editors and `echo` leave is dropped.
Result<Secret> clean(std::string text, const std::string& source) {
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (text.empty()) return Error(ErrorCode::invalid, source + " is empty; it must hold the key");
    const bool printable = std::all_of(text.begin(), text.end(),
                                       [](unsigned char c) { return c > 0x20 && c < 0x7F; });
    if (!printable) {
        return Error(ErrorCode::invalid,
                     source + " holds spaces, line breaks or control characters; it must hold the "
                              "key alone, on one line");
    }
    return Secret(std::move(text));
}

Result<FoundKey> found(std::string text, std::string source) {
    auto key = clean(std::move(text), source);
    if (!key) return key.error();
    return FoundKey{std::move(*key), std::move(source)};
}

std::string environment_name(const std::string& provider) {
    // Each vendor's own tools read these names.
    if (provider == "fal") return "FAL_KEY";
    std::string name;
    for (const char c : provider) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return name + "_API_KEY";
}

std::string value_of(const KeySources& sources, const std::string& name) {
    return sources.environment(name).value_or("");  // set but empty is the same as not set
}

// fal's own clients also take the key in its two halves.
Result<FoundKey> from_halves(const KeySources& sources) {
    const std::string id = value_of(sources, "FAL_KEY_ID");
    const std::string secret = value_of(sources, "FAL_KEY_SECRET");
    if (id.empty() && secret.empty()) return FoundKey{};
    if (id.empty() || secret.empty()) {
        return Error(ErrorCode::invalid,
                     fmt::format("environment {} is set without {}; set both, or FAL_KEY alone",
                                 id.empty() ? "FAL_KEY_SECRET" : "FAL_KEY_ID",
                                 id.empty() ? "FAL_KEY_ID" : "FAL_KEY_SECRET"));
    }
    return found(id + ":" + secret, "environment FAL_KEY_ID and FAL_KEY_SECRET");
}

Result<FoundKey> from_environment(const std::string& provider, const KeySources& sources) {
    const std::string name = environment_name(provider);
    std::string value = value_of(sources, name);
    if (!value.empty()) return found(std::move(value), "environment " + name);
    return provider == "fal" ? from_halves(sources) : Result<FoundKey>(FoundKey{});
}

Result<FoundKey> from_credential(const std::string& provider, const KeySources& sources) {
    const std::string folder = value_of(sources, "CREDENTIALS_DIRECTORY");
    if (folder.empty()) return FoundKey{};
    auto file = sources.read(folder + "/" + provider + "_key");
    if (!file) return file.error();
    if (!*file) return FoundKey{};
    return found(std::move((*file)->content), "credential " + provider + "_key");
}

Result<FoundKey> from_file(const std::string& key_file, const KeySources& sources) {
    if (key_file.empty()) return FoundKey{};
    auto file = sources.read(key_file);
    if (!file) return file.error();
    if (!*file) return Error(ErrorCode::not_found, "key_file " + key_file + " does not exist");
    if (((*file)->mode & 07u) != 0) {
        return Error(ErrorCode::refused,
                     fmt::format("key_file {} is open to every user (mode {:04o}); chmod 0600 {}",
                                 key_file, (*file)->mode, key_file));
    }
    return found(std::move((*file)->content), "key_file " + key_file);
}

}  // namespace

std::unique_ptr<KeySources> system_key_sources() { return std::make_unique<SystemKeySources>(); }

Result<FoundKey> find_key(const std::string& provider, const std::string& key_file,
                          const KeySources& sources) {
    auto key = from_credential(provider, sources);
    if (!key || !key->key.empty()) return key;
    key = from_file(key_file, sources);
    if (!key || !key->key.empty()) return key;
    return from_environment(provider, sources);
}

std::string where_keys_are_looked_for(const std::string& provider, const std::string& key_file) {
    return fmt::format("the systemd credential {}_key, {}, the environment variable {}", provider,
                       key_file.empty() ? "a key_file in [providers." + provider + "]"
                                        : "key_file " + key_file,
                       environment_name(provider));
}

}  // namespace reeld::daemon
