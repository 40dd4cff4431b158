#pragma once
// SQLite's failures as Errors.
#include <SQLiteCpp/Exception.h>

#include <stdexcept>
#include <string>

#include "base/error.hpp"

namespace reeld::store {

// A stored value that no version of this program can have written.
class CorruptRow : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

ErrorCode code_of_sqlite(int result);
// `doing` says what was tried: "cannot commit to reel.db".
Error sqlite_error(const std::string& doing, const SQLite::Exception& cause);
// Of the exception that is being handled: SQLite's, ours or any other.
Error current_error(const std::string& doing);

}  // namespace reeld::store
