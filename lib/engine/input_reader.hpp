#pragma once
// A local file of a job's input, opened where the configuration allows it and held to be what it was
// when the job came.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/crypto.hpp"
#include "engine/core.hpp"
#include "engine/hash_file.hpp"

namespace reeld::engine {

class InputReader {
  public:
    // The file, or why it cannot be had.
    static std::variant<InputReader, domain::Refusal> open(Core& core,
                                                           const domain::InputFile& file);

    // Nothing as long as it is what it was.
    std::optional<domain::Refusal> changed() const;
    // Reads all of it beside the loop; of each part of `part_bytes` too, unless that is 0.
    awaitable<std::variant<FileHashes, domain::Refusal>> hash(Core& core,
                                                              std::uint64_t part_bytes) const;
    // All of a small one.
    std::variant<std::string, domain::Refusal> text() const;

    const runtime::File& file() const { return *file_; }

  private:
    InputReader(std::unique_ptr<runtime::File> file, const domain::InputFile& asked)
        : file_(std::move(file)), asked_(asked) {}
    domain::Refusal unreadable(const Error& error) const;

    std::unique_ptr<runtime::File> file_;
    domain::InputFile asked_;
};

// A range of the file as the body of a PUT, hashed as it goes.
class FileBody final : public http::BodySource {
  public:
    // Ends the sending once `wanted` says no.
    FileBody(const runtime::File& file, std::uint64_t offset, std::uint64_t bytes,
             std::function<bool()> wanted)
        : file_(file), offset_(offset), bytes_(bytes), wanted_(std::move(wanted)) {}

    std::uint64_t size() const override { return bytes_; }
    Result<std::size_t> read(std::uint64_t offset, std::span<char> out) override;

    bool is_unwanted() const { return unwanted_; }
    bool is_whole() const { return at_ == bytes_; }
    std::string sha256() const { return hash_.hex_so_far(); }  // of what was read
    const std::optional<Error>& trouble() const { return trouble_; }  // of this machine's disk
    bool is_short() const { return short_; }

  private:
    const runtime::File& file_;
    std::uint64_t offset_;
    std::uint64_t bytes_;
    std::function<bool()> wanted_;
    Sha256 hash_;
    std::uint64_t at_ = 0;
    std::uint64_t asked_at_ = 0;
    bool unwanted_ = false;
    bool short_ = false;
    std::optional<Error> trouble_;
};

}  // namespace reeld::engine
