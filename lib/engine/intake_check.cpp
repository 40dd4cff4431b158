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

std::vector<domain::FieldError> catalogue_mistakes(const catalogue::Catalogue* catalogue,
                                                   store::Store& store, const json::object& job) {
    const auto model = find_string(job, "model");
    const auto* input = find_object(job, "input");
    if (catalogue == nullptr || !model || input == nullptr) return {};
    const auto* flag = find(job, "unchecked");
    const bool unchecked = flag != nullptr && domain::truth_of(*flag).value_or(false);
    auto mistakes = catalogue::check(*catalogue, *model, *input, unchecked);
    if (!mistakes.empty() && is_known(store, job)) mistakes.clear();
    return mistakes;
}

std::string created_words(std::string how, const domain::JobRequest& request) {
    if (request.unchecked) how += "; the input was not checked against the catalogue";
    return how;
}

}  // namespace reeld::engine
