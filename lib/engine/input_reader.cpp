#include "engine/input_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/input_files.hpp"
#include "engine/upload_policy.hpp"

namespace reeld::engine {
namespace {

using domain::InputFile;
using domain::Refusal;

// How often a body that goes out asks whether anybody still wants it.
constexpr std::uint64_t ask_every = 1024 * 1024;

}  // namespace

std::variant<InputReader, Refusal> InputReader::open(Core& core, const InputFile& file) {
    auto opened = open_input(core.config.inputs, core.services.files, file.path);
    if (!opened) {
        switch (opened.error().code()) {
            case ErrorCode::not_found: return file_missing(file);
            case ErrorCode::refused:
                return input_refused("input_refused",
                                     fmt::format("{}: {} is not read: {}", file.field, file.path,
                                                 opened.error().message()));
            case ErrorCode::invalid:
            case ErrorCode::conflict:
            case ErrorCode::unreachable:
            case ErrorCode::timeout:
            case ErrorCode::reset:
            case ErrorCode::too_large:
            case ErrorCode::disk_full:
            case ErrorCode::io:
            case ErrorCode::busy:
            case ErrorCode::corrupt:
            case ErrorCode::unsupported:
            case ErrorCode::cancelled:
            case ErrorCode::internal: break;
        }
        return upload_retry("input_unreadable",
                            fmt::format("{}: {} cannot be read: {}", file.field, file.path,
                                        opened.error().message()));
    }
    InputReader reader(std::move(*opened), file);
    if (auto changed = reader.changed()) return std::move(*changed);
    return reader;
}

Refusal InputReader::unreadable(const Error& error) const {
    return upload_retry("input_unreadable", fmt::format("{}: {} cannot be read: {}", asked_.field,
                                                        asked_.path, error.message()));
}

std::optional<Refusal> InputReader::changed() const {
    const auto facts = file_->facts();
    if (!facts) return unreadable(facts.error());
    const bool same = facts->bytes == asked_.bytes && facts->modified_ns == asked_.modified_ns;
    return same ? std::nullopt : std::optional(file_changed(asked_));
}

awaitable<std::variant<FileHashes, Refusal>> InputReader::hash(Core& core,
                                                              std::uint64_t part_bytes) const {
    auto hashes = co_await hash_file(core, *file_, {asked_.bytes, part_bytes});
    if (!hashes) co_return unreadable(hashes.error());
    if (hashes->bytes < asked_.bytes) co_return file_changed(asked_);
    if (auto different = changed()) co_return std::move(*different);
    co_return std::move(*hashes);
}

std::variant<std::string, Refusal> InputReader::text() const {
    std::string bytes(static_cast<std::size_t>(asked_.bytes), '\0');
    for (std::size_t at = 0; at < bytes.size();) {
        const auto got = file_->read_at(at, {bytes.data() + at, bytes.size() - at});
        if (!got) return unreadable(got.error());
        if (*got == 0) return file_changed(asked_);
        at += *got;
    }
    if (auto different = changed()) return std::move(*different);
    return bytes;
}

Result<std::size_t> FileBody::read(std::uint64_t offset, std::span<char> out) {
    if (at_ >= asked_at_) {
        asked_at_ = at_ + ask_every;
        if (!wanted_()) {
            unwanted_ = true;
            return Error(ErrorCode::cancelled, "nobody wants the upload any more");
        }
    }
    const auto most =
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), bytes_ - offset));
    auto got = file_.read_at(offset_ + offset, out.first(most));
    if (!got) {
        trouble_ = got.error();
        return got.error();
    }
    if (*got == 0) {
        short_ = true;
        return Error(ErrorCode::io, "the file became shorter while it was sent");
    }
    // Only what follows on is part of the hash; asked out of order the body is not whole.
    if (offset == at_) {
        hash_.update({out.data(), *got});
        at_ += *got;
    }
    return got;
}

}  // namespace reeld::engine
