#pragma once
// Who may include whom.
#include <vector>

#include "lint/source.hpp"

namespace reeld::lint {

// Our own rooms, by the table of allowed arrows. Rule: "arrow".
std::vector<Finding> check_arrows(const File& file);

// Libraries that only some rooms may know: Asio, Beast, SQLite, OpenSSL, systemd, toml++, CLI11.
// Rule: "library".
std::vector<Finding> check_libraries(const File& file);

// Asio and coroutine words in the rooms that are pure. Rule: "pure".
std::vector<Finding> check_pure(const File& file);

// Source files that no CMake glob compiles. Rule: "not_built".
std::vector<Finding> check_is_built(const File& file);

}  // namespace reeld::lint
