#include "sandbox/storage.hpp"

namespace reeld::sandbox {

void Storage::open(const std::string& id, std::string name, std::string content_type) {
    uploads_[id] = Upload{std::move(name), std::move(content_type), {}, {}, false};
}

Upload* Storage::find(const std::string& id) {
    const auto at = uploads_.find(id);
    return at == uploads_.end() ? nullptr : &at->second;
}

Status Storage::admit(std::size_t bytes) {
    if (bytes > bytes_max_ - bytes_) return Error(ErrorCode::too_large, "uploads are full");
    bytes_ += bytes;
    return ok();
}

Status Storage::put(const std::string& id, const std::string& bytes) {
    Upload* upload = find(id);
    if (upload == nullptr) return Error(ErrorCode::not_found, "upload");
    if (const Status admitted = admit(bytes.size()); !admitted) return admitted;
    bytes_ -= upload->bytes.size();
    upload->bytes = bytes;
    upload->complete = true;
    return ok();
}

Status Storage::put_part(const std::string& id, std::uint64_t number, const std::string& bytes) {
    Upload* upload = find(id);
    if (upload == nullptr) return Error(ErrorCode::not_found, "upload");
    if (const Status admitted = admit(bytes.size()); !admitted) return admitted;
    std::string& part = upload->parts[number];
    bytes_ -= part.size();
    part = bytes;
    return ok();
}

Status Storage::join(const std::string& id) {
    Upload* upload = find(id);
    if (upload == nullptr) return Error(ErrorCode::not_found, "upload");
    upload->bytes.clear();
    for (const auto& [number, bytes] : upload->parts) {
        upload->bytes += bytes;
    }
    upload->parts.clear();
    upload->complete = true;
    return ok();
}

}  // namespace reeld::sandbox
