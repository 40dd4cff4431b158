#pragma once
// The providers that this build contains. registry.cpp is generated from the folders beside this
// file: a folder with a provider.cpp that exposes make() is a provider.
#include <memory>
#include <string_view>
#include <vector>

#include "provider_api/provider.hpp"

namespace reeld::providers {

struct Entry {
    std::string_view name;  // the folder's name, the `[providers.<name>]` of the configuration
    std::unique_ptr<provider_api::Provider> (*make)(const provider_api::ProviderConfig&);
};

const std::vector<Entry>& registry();

}  // namespace reeld::providers
