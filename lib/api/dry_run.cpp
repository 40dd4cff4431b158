#include "api/dry_run.hpp"

#include <string_view>

#include "api/job_json.hpp"
#include "api/models.hpp"
#include "catalogue/craft.hpp"
#include "domain/naming.hpp"

namespace reeld::api {
namespace {

using catalogue::Model;
using catalogue::OutputKind;

// What the provider fills in by itself; shown, never sent.
json::object defaults_of(const Model& model, const json::object& input) {
    json::object defaults;
    const auto* properties = find_object(model.input, "properties");
    if (properties == nullptr) return defaults;
    for (const auto& member : *properties) {
        const auto* schema = member.value().if_object();
        const auto* value = schema == nullptr ? nullptr : find(*schema, "default");
        if (value == nullptr || find(input, member.key()) != nullptr) continue;
        defaults[member.key()] = *value;
    }
    return defaults;
}

std::string_view extension_of(OutputKind kind) {
    switch (kind) {
        case OutputKind::video: return "mp4";
        case OutputKind::image: return "png";
        case OutputKind::audio: return "mp3";
        case OutputKind::values: break;
    }
    return {};
}

json::value path_of(const std::string& outputs, const domain::JobRequest& request,
                    std::string_view extension, Instant now) {
    if (extension.empty()) return nullptr;
    domain::Job job;
    job.request = request;
    if (job.request.id.empty()) job.request.id = JobId("{id}");
    job.created_at = now;
    job.attempt = 1;
    job.outputs.resize(1);
    return json::value(outputs + "/" + domain::file_name(job, job.outputs.front(), extension, 0));
}

bool exists(engine::Control& control, const JobId& id) {
    if (id.empty()) return false;
    const auto found =
        control.store().transact([&](store::Tx& tx) { return tx.find_job(id).has_value(); });
    return found && *found;
}

catalogue::Estimate no_estimate() {
    catalogue::Estimate estimate;
    estimate.basis = "the model is not in the catalogue";
    return estimate;
}

template <class T>
json::value opt(const std::optional<T>& value) {
    return value ? json::value(*value) : json::value(nullptr);
}

json::object file_json(engine::Control& control, std::string_view model,
                       const domain::InputFile& file, const catalogue::FileSeen& seen) {
    json::object object;
    object["field"] = file.field;
    object["path"] = file.path;
    object["bytes"] = file.bytes;
    object["content_type"] = file.content_type;
    object["width"] = opt(seen.width);
    object["height"] = opt(seen.height);
    object["seconds"] = opt(seen.seconds);
    object["how"] = file.as_data_uri                      ? "inlined"
                    : control.is_uploaded(model, file) ? "reused"
                                                          : "uploaded";
    return object;
}

}  // namespace

std::variant<bool, Problem> read_dry_run(const http::Target& target) {
    for (const auto& [name, value] : target.query) {
        if (name != "dry_run") continue;
        if (value == "true") return true;
        if (value == "false") return false;
        Problem problem(400, "invalid_parameter", "dry_run must be true or false.");
        problem.members["parameter"] = "dry_run";
        return problem;
    }
    return false;
}

json::object dry_run_json(engine::Control& control, const domain::JobRequest& request,
                          const engine::CheckedFiles& files, Instant now) {
    const auto known = control.catalogue();
    const Model* model = known == nullptr ? nullptr : known->find(request.model);
    const auto parsed = parse_json(request.input);
    const json::object input = parsed && parsed->is_object() ? parsed->get_object() : json::object();
    json::object answer;
    answer["dry_run"] = true;
    answer["model"] = request.model;
    answer["provider"] = text_or_null(control.provider_of(request.model).value_or(""));
    answer["id"] = text_or_null(request.id.str());
    answer["exists"] = exists(control, request.id);
    answer["checked"] = model != nullptr && !request.unchecked;
    answer["input"] = input;
    answer["defaults"] = model == nullptr ? json::object() : defaults_of(*model, input);
    answer["estimate"] =
        estimate_json(model == nullptr ? no_estimate() : catalogue::estimate(*model, input));
    answer["path"] = path_of(control.status().outputs, request,
                             model == nullptr ? "mp4" : extension_of(model->output), now);
    json::array warnings;
    if (model != nullptr) {
        for (auto& sentence : catalogue::prompt_advice(*model, input)) {
            warnings.push_back(json::value(std::move(sentence)));
        }
    }
    json::array local;
    for (std::size_t i = 0; i < files.files.size(); ++i) {
        local.push_back(file_json(control, request.model, files.files[i], files.seen[i]));
    }
    answer["files"] = std::move(local);
    for (const std::string& sentence : files.advice) warnings.push_back(json::value(sentence));
    answer["warnings"] = std::move(warnings);
    return answer;
}

}  // namespace reeld::api
