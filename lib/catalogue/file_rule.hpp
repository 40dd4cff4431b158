#pragma once
// What a model takes for a file: the "x-file" of a member whose format is "uri".
//   {"types": ["image/jpeg", "audio/*"], "bytes_max": n, "short_side_min": pixels,
//    "aspect_min": width/height, "aspect_max": width/height, "seconds_min": n, "seconds_max": n}
// Everything may be left out. "x-file-advice" has the same form: what does not fit it is told in a
// dry run, and submitted all the same.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace reeld::catalogue {

struct FileRule {
    std::vector<std::string> types;  // "image/png", "image/*"; none: any
    std::optional<std::uint64_t> bytes_max;
    std::optional<int> short_side_min;
    std::optional<double> aspect_min;
    std::optional<double> aspect_max;
    std::optional<double> seconds_min;
    std::optional<double> seconds_max;
};

// A file as it was looked at. What its bytes do not tell is not compared.
struct FileSeen {
    std::string content_type;
    std::uint64_t bytes = 0;
    std::optional<int> width;
    std::optional<int> height;
    std::optional<double> seconds;
};

// Errors (invalid): what is wrong with which member, and what would be right.
Result<FileRule> read_file_rule(const json::object& rule);

// The rule of a member under `key` ("x-file", "x-file-advice"); one that takes anything when it has
// none.
FileRule file_rule_of(const json::object* member, std::string_view key = "x-file");

// Whether a small file may stand in the input itself: "x-data-uri".
bool takes_data_uri(const json::object* member);

// Each with what would be right: "has 60000000 bytes; at most 52428800 (50 MiB) are taken".
std::vector<std::string> why_wrong_file(const FileRule& rule, const FileSeen& seen);

// "image/jpeg, image/png or image/webp", at most …; empty when anything is taken.
std::string file_text(const FileRule& rule);

// "image/jpeg, image/png or audio of any kind".
std::string types_text(const std::vector<std::string>& types);

}  // namespace reeld::catalogue
