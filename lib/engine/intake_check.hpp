#pragma once
// What is said against a job before it is made.
#include <string>
#include <vector>

#include "catalogue/catalogue.hpp"
#include "domain/intake.hpp"
#include "engine/core.hpp"
#include "engine/input_files.hpp"
#include "store/store.hpp"

namespace reeld::engine {

// What the files of a job for this model are looked at with.
FileCheck file_check(const Core& core, std::string_view model, const json::array* told = nullptr);

// Everything that is said against a job's input: by the catalogue, and of the local files that it
// names. `job` is a job object as domain::parse_job takes it, right or wrong. Nothing is said against
// one whose id is known already: it was compared when it came, and everything may be another now.
CheckedFiles check_job(const FileCheck& check, store::Store& store, const json::object& job);

// The first words of a job's trail: how it came, and that it was not checked.
std::string created_words(std::string how, const domain::JobRequest& request);

}  // namespace reeld::engine
