#pragma once
// What SQLite itself has to say of the database: structure, references, and what no single row
// shows. It takes as long as the database is large, so it runs on a thread and a connection of its
// own, on one snapshot; the daemon goes on meanwhile.
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace reeld::store {

class DatabaseCheck {
  public:
    explicit DatabaseCheck(const std::string& path);
    ~DatabaseCheck();  // gives up at once what is not done
    DatabaseCheck(const DatabaseCheck&) = delete;
    DatabaseCheck& operator=(const DatabaseCheck&) = delete;

    // One sentence for each thing that does not fit; nothing while it is at work.
    std::optional<std::vector<std::string>> result() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace reeld::store
