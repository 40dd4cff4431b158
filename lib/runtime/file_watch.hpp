#pragma once
// Tells at once when other programs change a file, by the kernel's notification.
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "runtime/clock.hpp"

namespace reeld::runtime {

class FileWatch {
  public:
    virtual ~FileWatch() = default;
    // Returns after the next change; changes between two calls are not lost. One caller at a time.
    virtual awaitable<Status> changed() = 0;
};

// Watches `folder`/`name` and the files beside it whose names begin so (a database's journal). The
// file itself is never opened: closing a descriptor of a database drops the process's locks on it.
Result<std::unique_ptr<FileWatch>> watch_file(asio::any_io_executor executor,
                                              const std::string& folder, const std::string& name);

}  // namespace reeld::runtime
