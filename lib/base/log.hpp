#pragma once
// The log façade: structured records to one sink that the program chooses at start.
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reeld::log {

enum class Level { debug, info, warning, error };

struct Field {
    std::string_view key;  // lower snake_case: job, provider, status
    std::string value;     // no secret, no signed URL
};

struct Record {
    Level level;
    std::string_view component;  // engine, http, store …
    std::string message;         // one sentence
    std::vector<Field> fields;
};

using Sink = std::function<void(const Record&)>;

std::string_view to_string(Level level);
std::optional<Level> parse_level(std::string_view text);

// Without a sink records are dropped. Both are for the program's start, not for later.
void set_sink(Sink sink);
void set_level(Level level);

void write(Level level, std::string_view component, std::string message,
           std::initializer_list<Field> fields = {});
inline void debug(std::string_view component, std::string message,
                  std::initializer_list<Field> fields = {}) {
    write(Level::debug, component, std::move(message), fields);
}
inline void info(std::string_view component, std::string message,
                 std::initializer_list<Field> fields = {}) {
    write(Level::info, component, std::move(message), fields);
}
inline void warning(std::string_view component, std::string message,
                    std::initializer_list<Field> fields = {}) {
    write(Level::warning, component, std::move(message), fields);
}
inline void error(std::string_view component, std::string message,
                  std::initializer_list<Field> fields = {}) {
    write(Level::error, component, std::move(message), fields);
}

}  // namespace reeld::log
