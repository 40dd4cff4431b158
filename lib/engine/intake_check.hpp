#pragma once
// What the catalogue says against a job before it is made.
#include <string>
#include <vector>

#include "catalogue/catalogue.hpp"
#include "domain/intake.hpp"
#include "store/store.hpp"

namespace reeld::engine {

// `job` is a job object as domain::parse_job takes it, right or wrong. Nothing is said against one
// whose id is known already: it was compared when it came, and the catalogue may be another now.
std::vector<domain::FieldError> catalogue_mistakes(const catalogue::Catalogue* catalogue,
                                                   store::Store& store, const json::object& job);

// The first words of a job's trail: how it came, and that it was not checked.
std::string created_words(std::string how, const domain::JobRequest& request);

}  // namespace reeld::engine
