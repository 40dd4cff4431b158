#pragma once
// A local file that a job's input names: what it was when the job came, and the URL that stands in
// for it at the provider.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"

namespace reeld::domain {

struct InputFile {
    std::string field;             // "input.image_url", "input.reference_image_urls[2]"
    std::string path;              // absolute
    std::uint64_t bytes = 0;       // as it was at intake, like the time of its last change
    std::int64_t modified_ns = 0;  // since 1970
    std::string content_type;      // by what its bytes are
    bool fresh = false;            // an upload that another job made must not stand in
    bool as_data_uri = false;      // small: goes into the input itself
    std::string sha256;            // lower-case hex; empty before it was read
    std::string url;               // of the upload, or the data URI; empty before
    std::optional<Instant> uploaded_at;
    std::optional<Instant> expires_at;  // of `url`; nothing: it has no end that is known
    friend bool operator==(const InputFile&, const InputFile&) = default;
};

// When a URL of this life is used last: an hour before its end, or a fifth of its life if that is
// less, so that it still lives when the provider reads it.
std::optional<Instant> last_use(std::optional<Instant> uploaded_at,
                                std::optional<Instant> expires_at);
// Whether a submit may be made with the file's URL now.
bool is_usable(const InputFile& file, Instant now);
bool all_usable(std::span<const InputFile> files, Instant now);
// Until when all of them are; the beginning of time when one has no URL, nothing when there is no end.
std::optional<Instant> usable_until(std::span<const InputFile> files);

// The input with the files' URLs in their places: canonical JSON. A file without a URL, and one whose
// field is not there, changes nothing.
std::string with_urls(const std::string& input, const std::vector<InputFile>& files);

// What people are shown of `url`: a data URI only by its beginning.
std::string shown_url(const InputFile& file);

// For the database and back; nothing for what is no such array.
json::array to_json(const std::vector<InputFile>& files);
std::optional<std::vector<InputFile>> input_files_of(const json::value& value);

}  // namespace reeld::domain
