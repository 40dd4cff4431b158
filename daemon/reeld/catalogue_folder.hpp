#pragma once
// The user's own models, from a folder.
#include <memory>
#include <string>

#include "catalogue/catalogue.hpp"

namespace reeld::daemon {

// The models that came with the program and, over them, every *.json below `folder` (empty: none), by
// path. What cannot be read is one of the catalogue's mistakes.
std::shared_ptr<const catalogue::Catalogue> load_catalogue(const std::string& folder);

}  // namespace reeld::daemon
