#include "base/log.hpp"

namespace reeld::log {
namespace {

struct Setup {
    Sink sink;
    Level level = Level::info;
};

Setup& setup() {
    static Setup instance;
    return instance;
}

}  // namespace

std::string_view to_string(Level level) {
    switch (level) {
        case Level::debug: return "debug";
        case Level::info: return "info";
        case Level::warning: return "warning";
        case Level::error: return "error";
    }
    return "info";
}

std::optional<Level> parse_level(std::string_view text) {
    for (const Level level : {Level::debug, Level::info, Level::warning, Level::error}) {
        if (to_string(level) == text) return level;
    }
    return std::nullopt;
}

void set_sink(Sink sink) { setup().sink = std::move(sink); }
void set_level(Level level) { setup().level = level; }

void write(Level level, std::string_view component, std::string message,
           std::initializer_list<Field> fields) {
    if (!setup().sink || level < setup().level) return;
    setup().sink(Record{level, component, std::move(message), fields});
}

}  // namespace reeld::log
