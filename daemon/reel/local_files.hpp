#pragma once
// Local files in the input of a submit: from the paths that people write to what the daemon can read.
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "reel/session.hpp"

namespace reeld::reel {

struct LocalFile {
    std::string field;  // "image_url", "reference_image_urls[1]"
    std::string path;   // absolute, without links
    std::string name;   // as it was given, the last part
    bool as_url = false;  // the daemon knows by file:// alone that it is a file
    std::uint64_t bytes = 0;
    std::string sha256;
};

// Whether a text of the input may name a file, so that the model's schema is worth asking for.
bool may_name_files(const json::value& input);

// Every local file of the input: a text that is no URL where the schema has the format "uri", and
// file:// anywhere. Each is there and can be read. Errors (invalid): which is not, and why.
Result<std::vector<LocalFile>> find_local_files(Session& session, const json::object& input,
                                                const json::object& schema);

// Adds "local_files" to the job, what a dry run is told instead of being sent the files, and puts their
// paths in. Errors: io.
Status tell_files(Session& session, json::object& job, std::vector<LocalFile> files);

// Sends what the daemon has not got and puts the paths that it gives into the job's input. A transfer
// that broke off is continued.
awaitable<std::optional<Failure>> send_files(Session& session, json::object& job,
                                             std::vector<LocalFile> files);

}  // namespace reeld::reel
