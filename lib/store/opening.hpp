#pragma once
// The steps between a path and a trusted, migrated connection.
#include <SQLiteCpp/Database.h>

#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "store/store.hpp"

namespace reeld::store {

class Connection;

Result<std::unique_ptr<Connection>> open_connection(const StoreConfig& config);

// Schema steps, forward only, each in a transaction of its own.
int newest_schema();
int schema_version(SQLite::Database& database);
Status migrate(Connection& connection);

// PRAGMA quick_check; `corrupt` with its first finding.
Status quick_check(SQLite::Database& database, std::string_view path);

}  // namespace reeld::store
