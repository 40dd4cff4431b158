#pragma once
// Files that callers upload: whole or in parts, all in memory.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace reeld::sandbox {

// What an upload is joined from, as its caller lists it.
struct NamedPart {
    std::uint64_t number = 0;
    std::string etag;
    friend bool operator==(const NamedPart&, const NamedPart&) = default;
};

struct Upload {
    std::string id;
    std::string name;
    std::string content_type;
    std::uint64_t index = 0;  // counted from 1
    Instant started_at{};
    std::optional<Instant> expires_at;
    std::string bytes;
    std::string sha256;  // of them
    std::map<std::uint64_t, std::string> parts;
    std::vector<NamedPart> joined;  // from these
    bool complete = false;
    bool refused = false;     // its ticket is dead
    std::uint64_t calls = 0;  // with its ticket
    std::uint64_t stored = 0;  // those that brought bytes

    bool is_there(Instant at) const { return complete && (!expires_at || at < *expires_at); }
};

std::string etag_of(const std::string& bytes);

class Storage {
  public:
    explicit Storage(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    Upload& open(const std::string& id, std::string name, std::string content_type, Instant now);
    Upload* find(const std::string& id);
    // Errors: too_large when all uploads together would be.
    Status put(Upload& upload, const std::string& bytes);
    Status put_part(Upload& upload, std::uint64_t number, const std::string& bytes);
    // An error (invalid) unless the list names every part with its etag, in order. Once more with
    // the same list is well.
    Status join(Upload& upload, const std::vector<NamedPart>& list);
    std::uint64_t count() const { return uploads_.size(); }
    // Oldest first.
    std::vector<const Upload*> all() const;

  private:
    Status admit(std::size_t bytes);
    std::map<std::string, Upload> uploads_;
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
};

}  // namespace reeld::sandbox
