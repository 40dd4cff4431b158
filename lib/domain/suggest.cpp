#include "domain/suggest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/encoding.hpp"

namespace reeld::domain {
namespace {

constexpr std::size_t name_bytes_max = 64;

}  // namespace

// Levenshtein's; both texts are short.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

std::string_view nearest_name(std::string_view wrong, std::span<const std::string_view> known) {
    if (wrong.size() > name_bytes_max) return {};
    const std::string lowered = to_lower(wrong);
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
    for (const std::string_view name : known) {
        const std::size_t d = edit_distance(lowered, to_lower(name));
        // A name that shares nothing is no help, however short it is.
        if (d < best_distance && d < std::max(name.size(), wrong.size())) {
            best = name;
            best_distance = d;
        }
    }
    return best;
}

std::string listed(std::span<const std::string_view> names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
        text += names[i];
    }
    return text;
}

std::string quoted(std::string_view text) {
    std::string shown(clip_utf8(text, name_bytes_max));
    const bool clipped = shown.size() < text.size();
    for (char& c : shown) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return "\"" + shown + (clipped ? "…\"" : "\"");
}

bool has_control(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x20 || c == 0x7F) return true;
        const bool c1 =
            c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (c1) return true;
    }
    return false;
}

}  // namespace reeld::domain
