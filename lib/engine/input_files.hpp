#pragma once
// Looks at the local files that a job's input names before the job is made. Nothing is read but
// what tells what kind of file it is.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/catalogue.hpp"
#include "catalogue/file_rule.hpp"
#include "domain/input_file.hpp"
#include "domain/intake.hpp"
#include "engine/config.hpp"
#include "runtime/file_system.hpp"

namespace reeld::engine {

// Beside each other: the file as the job keeps it, and what else was seen of it.
struct CheckedFiles {
    std::vector<domain::FieldError> mistakes;
    std::vector<domain::InputFile> files;
    std::vector<catalogue::FileSeen> seen;
    std::vector<std::string> advice;  // what the maker of the model may not like
    json::object input;  // with a URL in every local file's place, for the comparison with a schema
};

struct FileCheck {
    const InputSetup& setup;
    runtime::FileSystem& files;
    const catalogue::Catalogue* catalogue;
    const provider_api::Provider* provider;  // that serves the model; null: none
    // In a dry run, files that the caller has looked at himself, see dry_run.hpp.
    const json::array* told = nullptr;
};

// `job` is a job object as domain::parse_job takes it, right or wrong. A text of its input is a local
// file when it begins with file://, or when it is an absolute path where the model's schema has the
// format "uri". A model that is not checked against the catalogue takes every kind of file.
CheckedFiles check_files(const FileCheck& check, const json::object& job);

// The path that such a text names; nothing for a file: URL of another host or a broken one.
std::optional<std::string> path_of_file_url(std::string_view text);

// The allowed folder, or the spool, that the path lies below; empty: none.
std::string allowed_root(const InputSetup& setup, std::string_view path);

// Opens a file of a job again. Errors: not_found, refused (also a path that is no longer allowed), io.
Result<std::unique_ptr<runtime::File>> open_input(const InputSetup& setup,
                                                  runtime::FileSystem& files,
                                                  const std::string& path);

// What the bytes of a file tell; `corrupt` with words when they are no medium that is known.
Result<catalogue::FileSeen> look_at(const runtime::File& file);

}  // namespace reeld::engine
