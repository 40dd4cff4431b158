#pragma once
// Another program that drops rows: its own connection, its own SQL.
#include <string>

namespace reeld::test {

// False when the file is locked or refuses.
bool drop_row(const std::string& inbox, const std::string& id, const std::string& model,
              const std::string& input);

}  // namespace reeld::test
