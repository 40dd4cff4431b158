#include "engine/intake_check.hpp"

namespace reeld::engine {
namespace {

bool is_known(store::Store& store, const json::object& job) {
    const auto id = find_string(job, "id");
    if (!id || id->empty()) return false;
    const auto known = store.transact([&](store::Tx& tx) {
        return tx.find_job(JobId(*id)).has_value() || tx.find_retired(JobId(*id)).has_value();
    });
    return known && *known;
}

}  // namespace

FileCheck file_check(const Core& core, std::string_view model, const json::array* told) {
    const provider_api::Provider* provider = nullptr;
    for (const auto& [name, setup] : core.config.providers) {
        if (provider == nullptr && setup.provider->serves(model)) provider = setup.provider.get();
    }
    return FileCheck{core.config.inputs, core.services.files, core.config.catalogue.get(), provider,
                     told};
}

CheckedFiles check_job(const FileCheck& check, store::Store& store, const json::object& job) {
    CheckedFiles checked = check_files(check, job);
    const auto model = find_string(job, "model");
    if (check.catalogue != nullptr && model && find_object(job, "input") != nullptr) {
        const auto* flag = find(job, "unchecked");
        const bool unchecked = flag != nullptr && domain::truth_of(*flag).value_or(false);
        auto mistakes = catalogue::check(*check.catalogue, *model, checked.input, unchecked);
        checked.mistakes.insert(checked.mistakes.begin(), mistakes.begin(), mistakes.end());
    }
    if (!checked.mistakes.empty() && is_known(store, job)) checked.mistakes.clear();
    return checked;
}

std::string created_words(std::string how, const domain::JobRequest& request) {
    if (request.unchecked) how += "; the input was not checked against the catalogue";
    return how;
}

}  // namespace reeld::engine
