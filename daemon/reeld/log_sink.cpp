#include "reeld/log_sink.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

// Without this the macros below record our source lines, which say nothing to an operator.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/encoding.hpp"

namespace reeld::daemon {
namespace {

// Bytes of the C1 control U+0080 to U+009F at `at`: some terminals obey them.
bool is_c1(std::string_view text, std::size_t at) {
    return text[at] == '\xC2' && at + 1 < text.size() &&
           static_cast<unsigned char>(text[at + 1]) < 0xA0;
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
    const bool utf8 = is_utf8(text);
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c == '\\' || (quotes && c == '"')) {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) {
            out += fmt::format("\\x{:02x}", byte);
        } else if (utf8 && is_c1(text, at)) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[++at]));
        } else {
            out += c;
        }
    }
}

bool is_bare(std::string_view value) {
    return !value.empty() && std::all_of(value.begin(), value.end(), [](unsigned char c) {
        return c > 0x20 && c < 0x7F && c != '"' && c != '=' && c != '\\';
    });
}

void append_fields(std::string& out, const log::Record& record) {
    for (const log::Field& field : record.fields) {
        out += ' ';
        append_escaped(out, field.key, true);
        out += '=';
        if (is_bare(field.value)) {
            out += field.value;
            continue;
        }
        out += '"';
        append_escaped(out, field.value, true);
        out += '"';
    }
}

std::string text_of(const log::Record& record) {
    std::string text(record.component);
    text += ": ";
    append_escaped(text, record.message, false);
    append_fields(text, record);
    return text;
}

int priority_of(log::Level level) {
    switch (level) {
        case log::Level::debug: return 7;
        case log::Level::info: return 6;
        case log::Level::warning: return 4;
        case log::Level::error: return 3;
    }
    return 6;
}

// The journal refuses other letters, and names with a leading underscore are its own.
std::string journal_name(std::string_view key) {
    std::string name = "REELD_";
    for (const char c : key) {
        if (c >= 'a' && c <= 'z') {
            name += static_cast<char>(c - 32);
        } else {
            name += (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
        }
    }
    return name.substr(0, 64);
}

// systemd names the stream that it connected; a child with a redirected stderr inherits the
// variable, but not the stream.
bool stderr_is_the_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat facts {};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &facts) != 0) return false;
    return fmt::format("{}:{}", facts.st_dev, facts.st_ino) == stream;
}

void send_to_journal(const log::Record& record) {
    std::vector<std::string> fields = journal_fields(record);
    std::vector<iovec> parts;
    for (std::string& field : fields) parts.push_back({field.data(), field.size()});
    sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

}  // namespace

std::string log_line(const log::Record& record, Instant at) {
    return fmt::format("{} {} {}\n", to_rfc3339(at), log::to_string(record.level),
                       text_of(record));
}

std::vector<std::string> journal_fields(const log::Record& record) {
    // The fields stand in the message too: `journalctl -u reeld` shows nothing else.
    std::vector<std::string> fields{
        "MESSAGE=" + text_of(record),
        fmt::format("PRIORITY={}", priority_of(record.level)),
        "SYSLOG_IDENTIFIER=reeld",
        "REELD_COMPONENT=" + std::string(record.component),
    };
    for (const log::Field& field : record.fields) {
        fields.push_back(journal_name(field.key) + "=" + field.value);
    }
    return fields;
}

log::Sink make_log_sink(const runtime::Clock& clock) {
    if (stderr_is_the_journal()) return send_to_journal;
    return [&clock](const log::Record& record) {
        const std::string line = log_line(record, clock.now());
        std::fwrite(line.data(), 1, line.size(), stderr);
    };
}

}  // namespace reeld::daemon
