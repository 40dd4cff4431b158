#include "support/simulated_disk.hpp"

#include <algorithm>
#include <sstream>

namespace reeld::test {

class SimulatedDisk::OpenFile final : public runtime::File {
  public:
    enum class For { reading, writing, uploading };
    OpenFile(SimulatedDisk& disk, std::string path, DiskImage::Handle file, For use)
        : disk_(disk), path_(std::move(path)), file_(std::move(file)), use_(use) {}

    Status append(std::string_view bytes) override {
        if (use_ != For::writing) return Error(ErrorCode::io, "append: opened for reading");
        if (const Status planned = disk_.step(Op::append, path_); !planned) return planned;
        if (disk_.used() + bytes.size() > disk_.capacity) {
            return Error(ErrorCode::disk_full, "the simulated disk is full");
        }
        file_->write(file_->bytes().size(), bytes);
        file_->modified_ns = disk_.now_ns();
        return ok();
    }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const override {
        if (use_ == For::uploading) {
            if (disk_.before_read) disk_.before_read(path_, offset);
            if (const Status planned = disk_.step(Op::read, path_); !planned) {
                return planned.error();
            }
        }
        const std::string& bytes = file_->bytes();
        if (offset >= bytes.size()) return std::size_t{0};
        return bytes.copy(out.data(), out.size(), static_cast<std::size_t>(offset));
    }
    Result<std::uint64_t> size() const override {
        return static_cast<std::uint64_t>(file_->bytes().size());
    }
    Result<runtime::FileFacts> facts() const override {
        return runtime::FileFacts{file_->bytes().size(), file_->modified_ns};
    }
    Status truncate(std::uint64_t size) override {
        if (const Status planned = disk_.step(Op::truncate, path_); !planned) return planned;
        file_->truncate(size);
        file_->modified_ns = disk_.now_ns();
        return ok();
    }

  private:
    SimulatedDisk& disk_;
    std::string path_;
    DiskImage::Handle file_;
    For use_;
};

class SimulatedDisk::Steps final : public runtime::PublishDisk {
  public:
    explicit Steps(SimulatedDisk& disk) : disk_(disk) {}

    void begin_writing(const std::string&) override {}
    Status sync_file(const std::string& part) override {
        const DiskImage::Handle file = disk_.image_.find(part);
        if (!file) return Error(ErrorCode::not_found, part);
        if (disk_.before_sync) disk_.before_sync(part);
        if (const Status planned = disk_.step(Op::sync, part); !planned) {
            file->fail_sync();
            return planned;
        }
        disk_.image_.sync(file);
        if (disk_.after_sync) disk_.after_sync(part);
        return ok();
    }
    Status rename_new(const std::string& part, const std::string& target) override {
        if (!disk_.exclusive_rename) return Error(ErrorCode::unsupported, "rename");
        const Status free = is_free(part, target);
        if (free) disk_.image_.rename(part, target);
        return free;
    }
    Status link_new(const std::string& part, const std::string& target) override {
        const Status free = is_free(part, target);
        if (free) disk_.image_.link(part, target);
        return free;
    }
    Status unlink(const std::string& part) override { return disk_.remove(part); }
    Status sync_folder(const std::string& folder) override {
        if (!disk_.folders_.contains(folder)) return Error(ErrorCode::not_found, folder);
        if (disk_.before_sync) disk_.before_sync(folder);
        if (const Status planned = disk_.step(Op::sync, folder); !planned) return planned;
        disk_.image_.sync_folder(folder);
        for (auto& [path, durable] : disk_.folders_) {
            durable = durable || test::folder_of(path) == folder;
        }
        if (disk_.after_sync) disk_.after_sync(folder);
        return ok();
    }

  private:
    Status is_free(const std::string& part, const std::string& target) {
        if (const Status planned = disk_.step(Op::rename, target); !planned) return planned;
        if (!disk_.image_.find(part)) return Error(ErrorCode::not_found, part);
        if (disk_.exists(target)) return Error(ErrorCode::conflict, target);
        const bool has_folder = disk_.folders_.contains(test::folder_of(target));
        return has_folder ? ok() : Status(Error(ErrorCode::not_found, target));
    }

    SimulatedDisk& disk_;
};

SimulatedDisk::SimulatedDisk(std::set<std::string> roots) {
    for (const std::string& root : roots)
        folders_[root] = true;
}
SimulatedDisk::~SimulatedDisk() = default;

Status SimulatedDisk::step(Op op, const std::string& path) {
    const auto planned = failures_.step(op, path);
    if (!planned) return ok();
    return Error(*planned, path + ": failed by the script");
}

void SimulatedDisk::fail(Op op, int nth, ErrorCode code, int times, std::string name_end) {
    failures_.plan(op, nth, code, times, std::move(name_end));
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::copy() const {
    auto fresh = std::make_unique<SimulatedDisk>();
    fresh->capacity = capacity;
    fresh->claimed_free = claimed_free;
    fresh->exclusive_rename = exclusive_rename;
    fresh->image_ = image_.copy();
    fresh->folders_ = folders_;
    fresh->links_ = links_;
    fresh->now = now;
    return fresh;
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::after_power_cut(const PowerCut& cut) const {
    auto fresh = copy();
    fresh->image_ = image_.after(cut);
    const auto rng = runtime::make_seeded_rng(cut.seed + 1);
    fresh->folders_.clear();
    // In the order of the names: what holds a folder is decided before it.
    for (const auto& [path, durable] : folders_) {
        const std::string holder = test::folder_of(path);
        const bool homeless = folders_.contains(holder) && !fresh->folders_.contains(holder);
        if (!homeless && (durable || !cut.loses_a_name(*rng))) fresh->folders_[path] = true;
    }
    std::set<std::string> homeless;
    for (const auto& [path, file] : fresh->files()) {
        if (!fresh->folders_.contains(test::folder_of(path))) homeless.insert(path);
    }
    for (const std::string& path : homeless)
        fresh->image_.remove(path);
    fresh->image_ = fresh->image_.after({PowerCut::Keeps::everything});
    return fresh;
}

std::uint64_t SimulatedDisk::used() const {
    std::uint64_t bytes = 0;
    for (const auto& [path, file] : files())
        bytes += file->bytes().size();
    return bytes;
}

void SimulatedDisk::put(const std::string& path, std::string bytes) {
    for (auto at = test::folder_of(path); !at.empty(); at = test::folder_of(at)) {
        folders_[at] = true;
    }
    const DiskImage::Handle file = image_.create(path);
    file->write(0, bytes);
    file->modified_ns = now_ns();
    image_.sync(file);
}

void SimulatedDisk::overwrite(const std::string& path, const std::string& bytes) {
    const DiskImage::Handle file = image_.find(path);
    file->truncate(0);
    file->write(0, bytes);
    file->modified_ns = now_ns();
    image_.sync(file);
}

std::int64_t SimulatedDisk::now_ns() const {
    return now ? to_unix_ms(now()) * 1'000'000 : 0;
}

std::string SimulatedDisk::at(const std::string& path) const {
    const DiskImage::Handle file = image_.find(path);
    return file ? file->bytes() : "(absent)";
}

Result<std::unique_ptr<runtime::File>> SimulatedDisk::open_append(const std::string& path) {
    if (const Status planned = step(Op::open, path); !planned) return planned.error();
    if (!folders_.contains(test::folder_of(path))) return Error(ErrorCode::not_found, path);
    DiskImage::Handle file = image_.find(path);
    if (!file) file = image_.create(path);
    return std::unique_ptr<runtime::File>(
        std::make_unique<OpenFile>(*this, path, std::move(file), OpenFile::For::writing));
}

Result<std::unique_ptr<runtime::File>> SimulatedDisk::open_read(const std::string& path) {
    if (const Status planned = step(Op::open, path); !planned) return planned.error();
    DiskImage::Handle file = image_.find(path);
    if (!file) return Error(ErrorCode::not_found, path);
    return std::unique_ptr<runtime::File>(
        std::make_unique<OpenFile>(*this, path, std::move(file), OpenFile::For::reading));
}

Result<std::unique_ptr<runtime::File>> SimulatedDisk::open_below(const std::string& root,
                                                                 const std::string& path) {
    if (const Status planned = step(Op::open, path); !planned) return planned.error();
    const bool leads_up = (path + "/").find("/../") != std::string::npos;
    if (!path.starts_with(root + "/") || leads_up || folders_.contains(path)) {
        return Error(ErrorCode::refused, path + " is no file below " + root);
    }
    for (const std::string& link : links_) {
        if (link.size() > root.size() && (path + "/").starts_with(link + "/")) {
            return Error(ErrorCode::refused, link + " is a link or a file");
        }
    }
    DiskImage::Handle file = image_.find(path);
    if (!file) return Error(ErrorCode::not_found, path);
    return std::unique_ptr<runtime::File>(
        std::make_unique<OpenFile>(*this, path, std::move(file), OpenFile::For::uploading));
}

bool SimulatedDisk::exists(const std::string& path) {
    return files().contains(path) || folders_.contains(path);
}

Status SimulatedDisk::remove(const std::string& path) {
    if (const Status planned = step(Op::remove, path); !planned) return planned;
    image_.remove(path);
    return ok();
}

Status SimulatedDisk::remove_folder(const std::string& path) {
    if (const Status planned = step(Op::remove, path); !planned) return planned;
    const auto names = list(path);
    if (names && !names->empty()) return Error(ErrorCode::conflict, path + " is not empty");
    folders_.erase(path);
    return ok();
}

Status SimulatedDisk::make_folders(const std::string& root, const std::string& relative) {
    if (const Status planned = step(Op::make_folders, relative); !planned) return planned;
    if (!folders_.contains(root)) return Error(ErrorCode::not_found, "no folder " + root);
    std::istringstream parts(relative);
    std::string path = root;
    for (std::string part; std::getline(parts, part, '/');) {
        if (part.empty() || part == ".") continue;
        if (part == "..") return Error(ErrorCode::refused, "folder " + relative);
        const std::string holder = std::exchange(path, path + "/" + part);
        if (files().contains(path)) return Error(ErrorCode::refused, path + " is a file");
        folders_.emplace(path, false);
        owed_.insert(holder);
    }
    return ok();
}

Result<std::vector<std::string>> SimulatedDisk::list(const std::string& folder) {
    if (!folders_.contains(folder)) return Error(ErrorCode::not_found, folder);
    std::vector<std::string> names;
    const auto take = [&](const std::string& path) {
        if (test::folder_of(path) == folder) names.push_back(path.substr(folder.size() + 1));
    };
    for (const auto& [path, file] : files())
        take(path);
    for (const auto& [path, durable] : folders_)
        take(path);
    return names;
}

Result<std::uint64_t> SimulatedDisk::free_bytes(const std::string&) {
    return std::min(claimed_free, capacity - std::min(used(), capacity));
}

runtime::awaitable<Status> SimulatedDisk::publish(std::string part, std::string target,
                                                  std::string note) {
    if (before_publish) {
        const Status allowed = before_publish();
        if (!allowed) co_return allowed;
    }
    Steps steps(*this);
    std::vector<runtime::Publication> batch;
    batch.push_back({std::move(part), std::move(target), std::move(note)});
    const runtime::Published published =
        runtime::publish_batch(steps, batch, std::exchange(owed_, {}));
    owed_.insert(published.owed.begin(), published.owed.end());
    co_return published.results.front();
}

}  // namespace reeld::test
