#pragma once
// Another program that drops rows: its own connection, its own SQL.
#include <string>

namespace reeld::test {

// False when the file is locked or refuses. An empty id is no id: the daemon gives one.
bool drop_row(const std::string& inbox, const std::string& id, const std::string& model,
              const std::string& input);
// Gives a refused row another input and clears its error; false when it is not there.
bool mend_row(const std::string& inbox, const std::string& id, const std::string& input);

}  // namespace reeld::test
