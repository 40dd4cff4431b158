#pragma once
// Another program that writes the inbox, as a shell with sqlite3 does.
#include <memory>
#include <string>
#include <vector>

namespace reeld::test {

// False when the row did not get in: the file is locked or refuses. An empty id is no id: the
// daemon gives one.
bool drop_row(const std::string& inbox, const std::string& id, const std::string& model,
              const std::string& input);
// Gives a refused row another input and clears its error; false when it is not there.
bool mend_row(const std::string& inbox, const std::string& id, const std::string& input);
// What the daemon says against a row; empty: nothing, or there is no such row.
std::string row_error(const std::string& inbox, const std::string& id);

// One statement with its texts bound in order; the rows it changed, -1 when it was refused.
int edit_inbox(const std::string& inbox, const std::string& sql,
               const std::vector<std::string>& values);

// A shell that sits in an open transaction, with a write of its own in it that nobody will see.
class ForeignShell {
  public:
    explicit ForeignShell(const std::string& inbox);
    ~ForeignShell();  // gives up: rolls back and closes
    ForeignShell(const ForeignShell&) = delete;
    ForeignShell& operator=(const ForeignShell&) = delete;
    bool holds() const { return holds_; }

  private:
    struct State;
    std::unique_ptr<State> state_;
    bool holds_ = false;
};

}  // namespace reeld::test
