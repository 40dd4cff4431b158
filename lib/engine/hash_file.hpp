#pragma once
// The SHA-256 of a file, computed beside the loop.
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "engine/core.hpp"

namespace reeld::engine {

struct FileHashes {
    std::uint64_t bytes = 0;         // how many were read
    std::string whole;               // SHA-256, lower-case hex
    std::vector<std::string> parts;  // likewise, when they were asked for
};

struct HashRange {
    std::uint64_t most = std::numeric_limits<std::uint64_t>::max();  // bytes; the end may come before
    std::uint64_t part_bytes = 0;                                    // 0: no hashes of parts
};

// From the beginning of `file`, which must outlive the wait. Ends soon when the caller is cancelled.
awaitable<Result<FileHashes>> hash_file(const Core& core, const runtime::File& file,
                                        HashRange range);

}  // namespace reeld::engine
