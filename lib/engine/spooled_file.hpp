#pragma once
// What the spool and its callers tell each other.
#include <cstdint>
#include <string>

namespace reeld::engine {

struct SpooledFile {
    std::string sha256;
    std::string path;  // empty while it is not whole
    std::uint64_t received = 0;
    std::string content_type;  // of a whole file
};

struct SpoolPiece {
    std::string sha256;
    std::string name;  // the caller's; kept as far as it is harmless
    std::uint64_t size = 0;    // of the whole file
    std::uint64_t offset = 0;  // of this piece
    std::string bytes;
};

}  // namespace reeld::engine
