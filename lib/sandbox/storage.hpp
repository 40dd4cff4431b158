#pragma once
// Files that callers upload: whole or in parts, all in memory.
#include <cstdint>
#include <map>
#include <string>

#include "base/result.hpp"

namespace reeld::sandbox {

struct Upload {
    std::string name;
    std::string content_type;
    std::string bytes;
    std::map<std::uint64_t, std::string> parts;
    bool complete = false;
};

class Storage {
  public:
    explicit Storage(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    void open(const std::string& id, std::string name, std::string content_type);
    Upload* find(const std::string& id);
    Status put(const std::string& id, const std::string& bytes);
    Status put_part(const std::string& id, std::uint64_t number, const std::string& bytes);
    Status join(const std::string& id);  // the parts, in their order
    std::uint64_t count() const { return uploads_.size(); }

  private:
    Status admit(std::size_t bytes);
    std::map<std::string, Upload> uploads_;
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
};

}  // namespace reeld::sandbox
