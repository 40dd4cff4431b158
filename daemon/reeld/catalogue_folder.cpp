#include "reeld/catalogue_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/result.hpp"

namespace reeld::daemon {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t files_max = 2'000;
constexpr std::uintmax_t file_bytes_max = 4 * 1024 * 1024;

Result<std::vector<fs::path>> model_paths(const std::string& folder) {
    std::error_code failure;
    std::vector<fs::path> paths;
    const auto options = fs::directory_options::follow_directory_symlink;
    fs::recursive_directory_iterator at(folder, options, failure);
    for (; !failure && at != fs::recursive_directory_iterator(); at.increment(failure)) {
        if (at->path().extension() == ".json") paths.push_back(at->path());
        if (paths.size() > files_max) {
            return Error(ErrorCode::too_large, fmt::format("{}: more than {} models; none of them "
                                                           "is used",
                                                           folder, files_max));
        }
    }
    if (failure) {
        return Error(ErrorCode::io,
                     fmt::format("{}: the folder cannot be read: {}", folder, failure.message()));
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

Result<std::string> text_of(const fs::path& path) {
    std::error_code failure;
    const auto bytes = fs::file_size(path, failure);
    if (!failure && bytes > file_bytes_max) {
        return Error(ErrorCode::too_large, "has more than 4 MiB: it is no model");
    }
    errno = 0;
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in.is_open() || in.bad()) {
        const boost::system::error_code cause(errno, boost::system::system_category());
        return Error(ErrorCode::io, "cannot be read", cause);
    }
    return text;
}

}  // namespace

std::shared_ptr<const catalogue::Catalogue> load_catalogue(const std::string& folder) {
    if (folder.empty()) return catalogue::load();
    const auto paths = model_paths(folder);
    if (!paths) return catalogue::load({}, {paths.error().context()});
    std::vector<catalogue::SourceFile> files;
    std::vector<std::string> unreadable;
    for (const fs::path& path : *paths) {
        auto text = text_of(path);
        if (text) {
            files.push_back({path.string(), std::move(*text)});
        } else {
            unreadable.push_back(fmt::format("{}: {}", path.string(), text.error().message()));
        }
    }
    return catalogue::load(files, std::move(unreadable));
}

}  // namespace reeld::daemon
