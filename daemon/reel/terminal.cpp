#include "reel/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace reeld::reel {
namespace {

constexpr std::uint64_t input_bytes_max = 4 * 1024 * 1024;

Look look_at(int fd, Instant now) {
    Look look;
    look.now = now;
    look.terminal = ::isatty(fd) == 1;
    if (!look.terminal) return look;
    const char* no_colour = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    const bool dumb = term != nullptr && std::string_view(term) == "dumb";
    look.colour = (no_colour == nullptr || *no_colour == '\0') && !dumb;
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        look.width = size.ws_col;
        look.height = size.ws_row;
    }
    // A dumb terminal cannot move its cursor.
    if (dumb) look.height = 0;
    return look;
}

void write_to(std::FILE* file, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), file);
    std::fflush(file);
}

Error too_large(const std::string& path) {
    return {ErrorCode::too_large,
            fmt::format("{} is larger than {}", path, format_size(input_bytes_max))};
}

Result<std::string> read_standard_input() {
    std::string text;
    std::array<char, 64 * 1024> piece{};
    while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), stdin)) {
        text.append(piece.data(), got);
        if (text.size() > input_bytes_max) return too_large("standard input");
    }
    return text;
}

Result<std::string> read_whole(runtime::FileSystem& files, const std::string& path) {
    const auto file = files.open_read(path);
    if (!file) return file.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    if (*size > input_bytes_max) return too_large(path);
    std::string text(static_cast<std::size_t>(*size), '\0');
    const auto got = (*file)->read_at(0, std::span<char>(text.data(), text.size()));
    if (!got) return got.error();
    text.resize(*got);
    return text;
}

}  // namespace

Console make_console(std::function<Instant()> now) {
    Console console;
    console.out = [](std::string_view text) { write_to(stdout, text); };
    console.err = [](std::string_view text) { write_to(stderr, text); };
    console.look_out = [now] { return look_at(STDOUT_FILENO, now()); };
    console.look_err = [now] { return look_at(STDERR_FILENO, now()); };
    return console;
}

ReadFile make_read_file(runtime::FileSystem& files) {
    return [&files](const std::string& path) {
        return path == "-" ? read_standard_input() : read_whole(files, path);
    };
}

}  // namespace reeld::reel
