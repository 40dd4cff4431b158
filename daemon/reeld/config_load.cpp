// The configuration of this machine: its file, and the providers of this build.
#include <cerrno>
#include <fstream>
#include <iterator>

#include "providers/registry.hpp"
#include "reeld/config.hpp"

namespace reeld::daemon {

std::string export_folder(const Config& config) {
    return config.retention.export_folder.empty() ? config.paths.state + "/exports"
                                                  : config.retention.export_folder;
}

Result<Config> load_config(const std::string& path) {
    errno = 0;
    std::ifstream in(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in.is_open() || in.bad()) {
        const boost::system::error_code cause(errno, boost::system::system_category());
        return Error(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, path, cause);
    }
    const auto providers = registered_providers();
    return parse_config(text, path, providers);
}

std::vector<std::string_view> registered_providers() {
    std::vector<std::string_view> names;
    for (const auto& entry : providers::registry()) names.push_back(entry.name);
    return names;
}

}  // namespace reeld::daemon
