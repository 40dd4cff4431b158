#include "lint/arrows.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace reeld::lint {
namespace {

using Targets = std::vector<std::string_view>;

struct Room {
    std::string_view folder;
    Targets may;  // a folder with its slash, or one header
};

// The only arrows there are. A room may always include itself.
const std::vector<Room>& rooms() {
    static const std::vector<Room> table{
        {"lib/base/", {}},
        {"lib/domain/", {"base/"}},
        {"lib/catalogue/", {"base/", "domain/", "catalogue_models.hpp"}},
        {"lib/provider_api/", {"base/", "domain/"}},
        {"lib/providers/", {"base/", "domain/", "provider_api/"}},
        {"lib/runtime/", {"base/"}},
        {"lib/http/", {"base/", "runtime/", "provider_api/http_message.hpp"}},
        {"lib/store/", {"base/", "domain/", "store_sql.hpp"}},
        {"lib/engine/",
         {"base/", "domain/", "catalogue/", "provider_api/", "runtime/", "store/store.hpp",
          "store/inbox.hpp",
          "store/chain_walk.hpp", "store/copy.hpp", "store/database_check.hpp", "http/client.hpp",
          "http/server.hpp"}},
        {"lib/api/",
         {"base/", "domain/", "catalogue/", "provider_api/", "runtime/", "engine/",
          "store/store.hpp", "http/server.hpp"}},
        {"lib/sandbox/",
         {"base/", "runtime/", "provider_api/http_message.hpp", "http/client.hpp",
          "http/server.hpp"}},
        {"lib/boost_compiled/", {}},
        {"daemon/reeld/",
         {"base/", "domain/", "catalogue/", "provider_api/", "providers/registry.hpp", "runtime/",
          "http/", "store/", "engine/", "api/", "sandbox/"}},
        // The command line reads nothing behind the daemon's back: no store, no engine.
        {"daemon/reel/",
         {"base/", "domain/", "runtime/", "provider_api/http_message.hpp", "http/client.hpp"}},
        {"daemon/reel_sandbox/",
         {"base/", "runtime/", "provider_api/http_message.hpp", "http/client.hpp",
          "http/server.hpp", "sandbox/"}},
    };
    return table;
}

bool matches(std::string_view target, std::string_view pattern) {
    return pattern.ends_with('/') ? target.starts_with(pattern) : target == pattern;
}

// The folder by which others include this file: "base/", "providers/fal/", "reeld/".
std::string own_folder(const std::string& path) {
    const auto inside = path.substr(path.find('/') + 1);
    auto end = inside.find('/');
    if (inside.starts_with("providers/") && std::count(inside.begin(), inside.end(), '/') > 1) {
        end = inside.find('/', end + 1);
    }
    return inside.substr(0, end + 1);
}

bool in_any(std::string_view path, const Targets& places) {
    return std::any_of(places.begin(), places.end(),
                       [&](std::string_view place) { return path.starts_with(place); });
}

struct Library {
    std::string_view prefix;  // of the header
    Targets places;           // where it may be included
};

const std::vector<Library>& libraries() {
    static const std::vector<Library> table{
        // Beast takes 15 seconds and a gigabyte a file: it stays behind plain interfaces.
        {"boost/beast", {"lib/http/beast_", "lib/http/tls.cpp", "lib/boost_compiled/"}},
        {"boost/asio",
         {"lib/runtime/", "lib/http/", "lib/engine/", "lib/api/", "lib/sandbox/", "daemon/",
          "lib/boost_compiled/", "tests/"}},
        {"SQLiteCpp/", {"lib/store/", "tests/"}},
        {"sqlite3.h", {"lib/store/", "tests/"}},
        {"openssl/", {"lib/base/", "lib/http/", "tests/"}},
        {"systemd/", {"daemon/"}},
        {"toml++/", {"daemon/reeld/config.cpp"}},
        {"valijson/", {"lib/catalogue/compiled_schema.cpp"}},
        {"CLI/", {"daemon/"}},
    };
    return table;
}

// rooms whose sources CMake takes from every depth
const Targets deep_rooms{"lib/base/",    "lib/domain/", "lib/catalogue/", "lib/provider_api/",
                         "lib/runtime/", "lib/http/",   "lib/store/",     "lib/engine/",
                         "lib/api/",     "lib/sandbox/"};
// and from the folder itself only
const Targets flat_folders{"daemon/reeld/",      "daemon/reel/",      "daemon/reel_sandbox/",
                           "tests/support/",     "tests/conformance/", "tests/simulation/",
                           "tests/lint/",        "tests/fuzz/",        "lib/boost_compiled/"};

bool is_flat_in(std::string_view path, std::string_view folder) {
    return path.starts_with(folder) && path.find('/', folder.size()) == std::string_view::npos;
}

bool is_built(std::string_view path) {
    const bool test = path.ends_with("_test.cpp");
    if (in_any(path, deep_rooms)) return !test;
    if (path.starts_with("lib/providers/")) {
        return test || std::count(path.begin(), path.end(), '/') == 3;
    }
    if (path.starts_with("tests/unit/")) {
        return test && std::count(path.begin(), path.end(), '/') >= 3;
    }
    if (path.starts_with("tests/bench/")) return path.ends_with("_bench.cpp");
    return std::any_of(flat_folders.begin(), flat_folders.end(),
                       [&](std::string_view folder) { return is_flat_in(path, folder); });
}

}  // namespace

std::vector<Finding> check_arrows(const File& file) {
    std::vector<Finding> found;
    if (!is_cpp(file.path) || file.path.starts_with("tests/") || file.path.ends_with("_test.cpp")) {
        return found;
    }
    const auto room = std::find_if(rooms().begin(), rooms().end(), [&](const Room& candidate) {
        return file.path.starts_with(candidate.folder);
    });
    if (room == rooms().end()) {
        return {{"arrow", file.path, 1, "lies in no known room; add it to the table of arrows"}};
    }
    const std::string own = own_folder(file.path);
    for (const Include& include : includes(file.text)) {
        if (!include.own || include.target.starts_with(own)) continue;
        if (std::none_of(room->may.begin(), room->may.end(), [&](std::string_view pattern) {
                return matches(include.target, pattern);
            })) {
            found.push_back({"arrow", file.path, include.line,
                             "may not include \"" + include.target + "\""});
        }
    }
    return found;
}

std::vector<Finding> check_libraries(const File& file) {
    std::vector<Finding> found;
    if (!is_cpp(file.path)) return found;
    for (const Include& include : includes(file.text)) {
        for (const Library& library : libraries()) {
            if (include.own || !include.target.starts_with(library.prefix)) continue;
            if (in_any(file.path, library.places)) continue;
            found.push_back({"library", file.path, include.line,
                             "may not include <" + include.target + ">"});
        }
    }
    return found;
}

std::vector<Finding> check_pure(const File& file) {
    std::vector<Finding> found;
    const Targets pure{"lib/base/",         "lib/domain/",    "lib/catalogue/",
                       "lib/provider_api/", "lib/providers/", "lib/store/"};
    if (!is_cpp(file.path) || !in_any(file.path, pure)) return found;
    const std::string code = code_only(file.text);
    for (const std::string_view word :
         {"asio", "beast", "awaitable", "io_context", "co_await", "co_return"}) {
        for (const auto at : words(code, word)) {
            found.push_back({"pure", file.path, line_at(code, at),
                             "says " + std::string(word) + " in a room without input and output"});
        }
    }
    return found;
}

std::vector<Finding> check_is_built(const File& file) {
    if (!file.path.ends_with(".cpp") || is_built(file.path)) return {};
    return {{"not_built", file.path, 1, "no glob of the build takes this file"}};
}

}  // namespace reeld::lint
