#include "support/disk_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace reeld::test {
namespace {

using Keeps = PowerCut::Keeps;
constexpr std::uint64_t sector = 512;

enum class Fate { lost, kept, torn };

Fate fate_of(const PowerCut& cut, bool last, runtime::Rng& rng) {
    switch (cut.keeps) {
        case Keeps::nothing:
            return Fate::lost;
        case Keeps::everything:
            return Fate::kept;
        case Keeps::last_torn:
            return last ? Fate::torn : Fate::kept;
        case Keeps::only_last:
            return last ? Fate::kept : Fate::lost;
        case Keeps::mixed:
            break;
    }
    const double dice = rng.uniform();
    return dice < 0.4 ? Fate::lost : dice < 0.8 ? Fate::kept : Fate::torn;
}

}  // namespace

std::string to_string(const PowerCut& cut) {
    switch (cut.keeps) {
        case Keeps::nothing:
            return "nothing unsynced kept";
        case Keeps::everything:
            return "everything kept";
        case Keeps::last_torn:
            return "the last write torn";
        case Keeps::only_last:
            return "only the last write kept";
        case Keeps::mixed:
            break;
    }
    return fmt::format("mixture {}", cut.seed);
}

bool PowerCut::loses_a_name(runtime::Rng& rng) const {
    switch (keeps) {
        case Keeps::nothing:
        case Keeps::only_last:
            return true;
        case Keeps::everything:
        case Keeps::last_torn:
            return false;
        case Keeps::mixed:
            break;
    }
    return rng.uniform() < 0.5;
}

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
}

void DiskImage::File::apply(std::string& bytes, const Change& change) {
    const auto offset = static_cast<std::size_t>(change.offset);
    if (change.truncates) {
        bytes.resize(offset, '\0');
        return;
    }
    if (bytes.size() < offset + change.bytes.size()) {
        bytes.resize(offset + change.bytes.size(), '\0');
    }
    change.bytes.copy(bytes.data() + offset, change.bytes.size());
}

void DiskImage::File::write(std::uint64_t offset, std::string_view bytes) {
    pending_.push_back(Change{offset, std::string(bytes)});
    apply(bytes_, pending_.back());
}

void DiskImage::File::truncate(std::uint64_t size) {
    pending_.push_back(Change{size, {}, true});
    apply(bytes_, pending_.back());
}

void DiskImage::File::sync() {
    std::vector<Change> forsaken;
    for (Change& change : pending_) {
        if (change.forsaken) {
            forsaken.push_back(std::move(change));
            continue;
        }
        apply(durable_, change);
        if (!change.truncates) continue;
        // What was dropped behind the new end cannot come back over what is written there later.
        std::erase_if(forsaken, [&](const Change& old) { return old.offset >= change.offset; });
        for (Change& old : forsaken) {
            const auto room = static_cast<std::size_t>(change.offset - old.offset);
            if (old.bytes.size() > room) old.bytes.resize(room);
        }
    }
    pending_ = std::move(forsaken);
}

void DiskImage::File::fail_sync() {
    for (Change& change : pending_)
        change.forsaken = true;
}

std::string DiskImage::File::after(const PowerCut& cut, runtime::Rng& rng) const {
    std::string left = durable_;
    for (const Change& change : pending_) {
        const Fate fate = fate_of(cut, &change == &pending_.back(), rng);
        if (fate == Fate::lost) continue;
        if (fate == Fate::kept || change.truncates) {
            apply(left, change);
            continue;
        }
        // Each sector is the old or the new one as a whole. One cut in the middle; which side is
        // new is drawn, and for `last_torn` it is the beginning.
        const std::uint64_t end = change.offset + change.bytes.size();
        const std::uint64_t first = change.offset / sector + 1;
        const std::uint64_t cuts = (end - 1) / sector + 1 - first;
        if (cuts == 0) continue;
        const bool drawn = cut.keeps == Keeps::mixed;
        const double where = drawn ? rng.uniform() : 0.5;
        const std::uint64_t middle =
            (first + static_cast<std::uint64_t>(where * static_cast<double>(cuts))) * sector;
        const auto kept = static_cast<std::size_t>(middle - change.offset);
        const bool beginning = !drawn || rng.uniform() < 0.5;
        apply(left, beginning ? Change{change.offset, change.bytes.substr(0, kept)}
                              : Change{middle, change.bytes.substr(kept)});
    }
    return left;
}

void DiskImage::apply(std::map<std::string, Handle>& files, const Entry& entry) {
    // Another file may have the name by now.
    const auto gone = files.find(entry.gone);
    if (gone != files.end() && gone->second == entry.file) files.erase(gone);
    if (!entry.name.empty()) files[entry.name] = entry.file;
}

void DiskImage::change(Entry entry) {
    apply(files_, entry);
    pending_.push_back(std::move(entry));
}

DiskImage::Handle DiskImage::find(const std::string& path) const {
    const auto found = files_.find(path);
    return found == files_.end() ? nullptr : found->second;
}

DiskImage::Handle DiskImage::create(const std::string& path) {
    auto file = std::make_shared<File>();
    change(Entry{"", path, file, true});
    return file;
}

bool DiskImage::remove(const std::string& path) {
    const Handle file = find(path);
    if (file) change(Entry{path, "", file});
    return file != nullptr;
}

void DiskImage::rename(const std::string& from, const std::string& to) {
    if (const Handle file = find(from)) change(Entry{from, to, file});
}

void DiskImage::link(const std::string& from, const std::string& to) {
    if (const Handle file = find(from)) change(Entry{"", to, file});
}

void DiskImage::sync(const Handle& file) {
    file->sync();
    const auto begins = std::find_if(pending_.begin(), pending_.end(), [&](const Entry& entry) {
        return entry.file == file && entry.creates;
    });
    if (begins == pending_.end()) return;
    const std::string name = begins->name;
    apply(durable_, *begins);
    // What was to become of the name before is history.
    const auto is_history = [&](const Entry& entry) {
        return entry.name == name || (entry.name.empty() && entry.gone == name);
    };
    pending_.erase(std::remove_if(pending_.begin(), begins + 1, is_history), begins + 1);
}

void DiskImage::sync_folder(const std::string& folder) {
    const auto is_here = [&](const Entry& entry) {
        return folder_of(entry.name.empty() ? entry.gone : entry.name) == folder;
    };
    for (const Entry& entry : pending_) {
        if (is_here(entry)) apply(durable_, entry);
    }
    std::erase_if(pending_, is_here);
}

DiskImage DiskImage::copy() const {
    std::map<Handle, Handle> copies;
    const auto copied = [&](const Handle& file) {
        Handle& fresh = copies[file];
        if (!fresh) fresh = std::make_shared<File>(*file);
        return fresh;
    };
    DiskImage image;
    for (const auto& [path, file] : files_)
        image.files_[path] = copied(file);
    for (const auto& [path, file] : durable_)
        image.durable_[path] = copied(file);
    for (const Entry& entry : pending_) {
        image.pending_.push_back(Entry{entry.gone, entry.name, copied(entry.file), entry.creates});
    }
    return image;
}

DiskImage DiskImage::after(const PowerCut& cut) const {
    const auto rng = runtime::make_seeded_rng(cut.seed);
    std::map<std::string, Handle> names = durable_;
    for (const Entry& entry : pending_) {
        if (!cut.loses_a_name(*rng)) apply(names, entry);
    }
    DiskImage image;
    for (const auto& [path, file] : names) {
        auto left = std::make_shared<File>(file->after(cut, *rng));
        left->modified_ns = file->modified_ns;
        image.files_[path] = std::move(left);
    }
    image.durable_ = image.files_;
    return image;
}

}  // namespace reeld::test
