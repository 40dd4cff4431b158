#include "sandbox/storage.hpp"

#include <algorithm>

#include "base/crypto.hpp"
#include "base/encoding.hpp"

namespace reeld::sandbox {

std::string etag_of(const std::string& bytes) { return sha256_hex(bytes).substr(0, 32); }

Upload& Storage::open(const std::string& id, std::string name, std::string content_type,
                      Instant now) {
    Upload upload;
    upload.id = id;
    upload.name = std::move(name);
    upload.content_type = std::move(content_type);
    upload.index = uploads_.size() + 1;
    upload.started_at = now;
    return uploads_[id] = std::move(upload);
}

Upload* Storage::find(const std::string& id) {
    const auto at = uploads_.find(id);
    return at == uploads_.end() ? nullptr : &at->second;
}

std::vector<const Upload*> Storage::all() const {
    std::vector<const Upload*> list;
    for (const auto& [id, upload] : uploads_) list.push_back(&upload);
    std::sort(list.begin(), list.end(),
              [](const Upload* a, const Upload* b) { return a->index < b->index; });
    return list;
}

Status Storage::admit(std::size_t bytes) {
    if (bytes > bytes_max_ - bytes_) return Error(ErrorCode::too_large, "uploads are full");
    bytes_ += bytes;
    return ok();
}

Status Storage::put(Upload& upload, const std::string& bytes) {
    if (const Status admitted = admit(bytes.size()); !admitted) return admitted;
    bytes_ -= upload.bytes.size();
    upload.bytes = bytes;
    upload.sha256 = sha256_hex(bytes);
    upload.complete = true;
    ++upload.stored;
    return ok();
}

Status Storage::put_part(Upload& upload, std::uint64_t number, const std::string& bytes) {
    if (const Status admitted = admit(bytes.size()); !admitted) return admitted;
    std::string& part = upload.parts[number];
    bytes_ -= part.size();
    part = bytes;
    ++upload.stored;
    return ok();
}

Status Storage::join(Upload& upload, const std::vector<NamedPart>& list) {
    if (upload.complete && list == upload.joined) return ok();
    std::vector<NamedPart> there;
    for (const auto& [number, bytes] : upload.parts) there.push_back({number, etag_of(bytes)});
    const bool gapless = !there.empty() && there.back().number == there.size();
    if (!gapless || there != list) return Error(ErrorCode::invalid, "InvalidPart");
    upload.bytes.clear();
    for (const auto& [number, bytes] : upload.parts) upload.bytes += bytes;
    upload.sha256 = sha256_hex(upload.bytes);
    upload.parts.clear();
    upload.joined = list;
    upload.complete = true;
    return ok();
}

}  // namespace reeld::sandbox
