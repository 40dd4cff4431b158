#include <SQLiteCpp/Column.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <limits>
#include <stdexcept>

#include "store/connection.hpp"
#include "store/sqlite_error.hpp"

namespace reeld::store {

Query::Query(Connection& connection, std::string_view sql) : prepared_(connection.prepared(sql)) {
    if (prepared_.borrowed) throw std::logic_error("a query is used inside itself");
    prepared_.borrowed = true;
}

Query::~Query() {
    // An error of the last step is reported again by reset; it has been seen already.
    prepared_.statement.tryReset();
    try {
        prepared_.statement.clearBindings();
    } catch (...) {  // sqlite3_clear_bindings cannot fail
    }
    prepared_.borrowed = false;
}

Query& Query::integer(const char* name, std::int64_t value) {
    prepared_.statement.bind(name, value);
    return *this;
}

Query& Query::integer(const char* name, const std::optional<std::int64_t>& value) {
    if (value) prepared_.statement.bind(name, *value);
    return *this;
}

Query& Query::real(const char* name, const std::optional<double>& value) {
    if (value) prepared_.statement.bind(name, *value);
    return *this;
}

Query& Query::time(const char* name, const std::optional<Instant>& value) {
    if (value) prepared_.statement.bind(name, to_unix_ms(*value));
    return *this;
}

Query& Query::text(const char* name, std::string_view value) {
    prepared_.statement.bind(name, std::string(value));
    return *this;
}

Query& Query::text_or_null(const char* name, std::string_view value) {
    if (!value.empty()) prepared_.statement.bind(name, std::string(value));
    return *this;
}

Query& Query::blob(const char* name, std::string_view bytes) {
    prepared_.statement.bind(name, bytes.data(), static_cast<int>(bytes.size()));
    return *this;
}

Query& Query::blob(const char* name, const std::optional<std::string>& bytes) {
    return bytes ? blob(name, std::string_view(*bytes)) : *this;
}

bool Query::next() { return prepared_.statement.executeStep(); }

int Query::run() {
    while (prepared_.statement.executeStep()) {
    }
    return prepared_.statement.getChanges();
}

Query::Kind Query::kind(const char* column) const {
    switch (prepared_.statement.getColumn(column).getType()) {
        case SQLITE_INTEGER: return Kind::integer;
        case SQLITE_FLOAT: return Kind::real;
        case SQLITE_TEXT: return Kind::text;
        case SQLITE_BLOB: return Kind::blob;
        default: return Kind::null;
    }
}

bool Query::is_null(const char* column) const { return prepared_.statement.isColumnNull(column); }

std::int64_t Query::integer(const char* column) const {
    return prepared_.statement.getColumn(column).getInt64();
}

int Query::small(const char* column) const {
    const std::int64_t value = integer(column);
    if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
        throw CorruptRow(fmt::format("column {} holds {}, out of its range", column, value));
    }
    return static_cast<int>(value);
}

std::optional<std::int64_t> Query::maybe_integer(const char* column) const {
    if (is_null(column)) return std::nullopt;
    return integer(column);
}

std::optional<double> Query::maybe_real(const char* column) const {
    if (is_null(column)) return std::nullopt;
    return prepared_.statement.getColumn(column).getDouble();
}

Instant Query::time(const char* column) const { return from_unix_ms(integer(column)); }

std::optional<Instant> Query::maybe_time(const char* column) const {
    if (is_null(column)) return std::nullopt;
    return time(column);
}

std::string Query::text(const char* column) const {
    return prepared_.statement.getColumn(column).getString();
}

std::optional<std::string> Query::maybe_text(const char* column) const {
    if (is_null(column)) return std::nullopt;
    return text(column);
}

std::int64_t Query::first_integer() const { return prepared_.statement.getColumn(0).getInt64(); }

}  // namespace reeld::store
