#include "store/sqlite_error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <exception>

namespace reeld::store {

ErrorCode code_of_sqlite(int result) {
    switch (result & 0xff) {
        case SQLITE_FULL: return ErrorCode::disk_full;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return ErrorCode::busy;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM: return ErrorCode::io;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return ErrorCode::corrupt;
        default: return ErrorCode::internal;
    }
}

Error sqlite_error(const std::string& doing, const SQLite::Exception& cause) {
    return Error(code_of_sqlite(cause.getErrorCode()),
                 fmt::format("{}: {} (SQLite {})", doing, cause.what(),
                             cause.getExtendedErrorCode()));
}

Error current_error(const std::string& doing) {
    try {
        throw;
    } catch (const SQLite::Exception& cause) {
        return sqlite_error(doing, cause);
    } catch (const CorruptRow& cause) {
        return Error(ErrorCode::corrupt, fmt::format("{}: {}", doing, cause.what()));
    } catch (const std::exception& cause) {
        return Error(ErrorCode::internal, fmt::format("{}: {}", doing, cause.what()));
    } catch (...) {
        return Error(ErrorCode::internal, doing + ": an exception of an unknown type");
    }
}

}  // namespace reeld::store
