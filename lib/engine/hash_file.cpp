#include "engine/hash_file.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

#include "base/crypto.hpp"
#include "runtime/beside.hpp"

namespace reeld::engine {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

// Shared with the thread that reads; lives in the frame of the coroutine that waits for it.
struct Hashing {
    const runtime::File& file;
    HashRange range;
    std::atomic<bool> stopped{false};
    FileHashes hashes{};
    std::optional<Error> failure{};
    Sha256 whole{};
    Sha256 part{};
    std::uint64_t in_part = 0;

    void run() {
        std::vector<char> piece(piece_bytes);
        while (!stopped && hashes.bytes < range.most) {
            std::uint64_t most = std::min<std::uint64_t>(piece.size(), range.most - hashes.bytes);
            if (range.part_bytes > 0) most = std::min(most, range.part_bytes - in_part);
            const auto got =
                file.read_at(hashes.bytes, {piece.data(), static_cast<std::size_t>(most)});
            if (!got) {
                failure = got.error();
                return;
            }
            if (*got == 0) break;
            take({piece.data(), *got});
        }
        if (in_part > 0) end_part();
        hashes.whole = whole.hex_digest();
    }

    void take(std::string_view read) {
        whole.update(read);
        hashes.bytes += read.size();
        if (range.part_bytes == 0) return;
        part.update(read);
        in_part += read.size();
        if (in_part == range.part_bytes) end_part();
    }

    void end_part() {
        hashes.parts.push_back(part.hex_digest());
        part = Sha256();
        in_part = 0;
    }
};

}  // namespace

awaitable<Result<FileHashes>> hash_file(const Core& core, const runtime::File& file,
                                        HashRange range) {
    Hashing hashing{file, range};
    std::function<void()> work = [&hashing] { hashing.run(); };
    std::function<void()> stop = [&hashing] { hashing.stopped = true; };
    co_await runtime::run_beside(core.services.tasks.executor(), std::move(work), std::move(stop),
                                 core.services.beside);
    if (hashing.failure) co_return *hashing.failure;
    co_return std::move(hashing.hashes);
}

}  // namespace reeld::engine
