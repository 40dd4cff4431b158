#include "api/submission.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.hpp"

namespace reeld::api {
namespace {

// A body that says plainly that it is something else is refused; what curl and others send when
// nobody told them is taken for the JSON that it has to be.
bool may_be_json(const Headers& headers) {
    const std::string* header = headers.find("Content-Type");
    if (header == nullptr) return true;
    const std::string type = to_lower(std::string_view(*header).substr(0, header->find(';')));
    constexpr std::array<std::string_view, 4> taken{
        "text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "*/*"};
    return type.empty() || type.find("json") != std::string::npos ||
           std::any_of(taken.begin(), taken.end(),
                       [&](std::string_view one) { return type.starts_with(one); });
}

// Reads items one by one and gathers every item's errors.
class Reader {
  public:
    Reader(engine::Control& control, Instant now, std::string_view providers, bool dry_run)
        : control_(control), now_(now), providers_(providers), dry_run_(dry_run) {}

    void add(std::size_t index, json::value item) {
        checked_.emplace_back();
        json::array told;
        if (dry_run_) told = take_told(item);
        domain::Intake intake = domain::parse_job(item, now_);
        auto* errors = std::get_if<std::vector<domain::FieldError>>(&intake);
        const bool model_told =
            errors != nullptr && std::any_of(errors->begin(), errors->end(),
                                             [](const auto& e) { return e.field == "model"; });
        if (errors != nullptr) {
            for (const auto& error : *errors) note(index, error.field, error.message);
        }
        if (!model_told) check_model(index, item, told);
        if (auto* request = std::get_if<domain::JobRequest>(&intake)) {
            requests_.push_back(std::move(*request));
        }
    }
    const json::array& errors() const { return errors_; }
    std::vector<domain::JobRequest> take() { return std::move(requests_); }
    std::vector<engine::CheckedFiles> take_files() { return std::move(checked_); }

  private:
    void note(std::size_t index, std::string_view field, std::string_view message) {
        json::object error;
        error["index"] = index;
        error["field"] = field;
        error["message"] = message;
        errors_.push_back(std::move(error));
    }
    static json::array take_told(json::value& item) {
        auto* object = item.if_object();
        const auto* told = object == nullptr ? nullptr : find_array(*object, "local_files");
        if (told == nullptr) return {};
        json::array taken = *told;
        object->erase("local_files");
        return taken;
    }
    void check_model(std::size_t index, const json::value& item, const json::array& told) {
        const auto* object = item.if_object();
        const auto model = object == nullptr ? std::nullopt : find_string(*object, "model");
        if (!model || model->empty()) return;
        if (control_.provider_of(*model)) {
            checked_.back() = control_.check(*object, dry_run_ ? &told : nullptr);
            for (const auto& error : checked_.back().mistakes) {
                note(index, error.field, error.message);
            }
            return;
        }
        note(index, "model",
             fmt::format("no configured provider serves \"{}\"; configured: {}",
                         clip_utf8(*model, 200), providers_.empty() ? "none" : providers_));
    }

    engine::Control& control_;
    Instant now_;
    std::string_view providers_;
    bool dry_run_;
    std::vector<engine::CheckedFiles> checked_;
    std::vector<domain::JobRequest> requests_;
    json::array errors_;
};

// A 422 of the body as a whole, in the shape of the others.
Problem refuse_all(std::string code, const std::string& text) {
    Problem problem(422, std::move(code), text);
    json::object error;
    error["index"] = nullptr;
    error["field"] = "";
    error["message"] = text;
    problem.members["errors"] = json::array{std::move(error)};
    return problem;
}

Problem invalid_jobs(const json::array& errors, std::size_t items) {
    Problem problem(422, "invalid_job",
                    fmt::format("{} {} in {} {}; nothing was submitted.", errors.size(),
                                errors.size() == 1 ? "mistake" : "mistakes", items,
                                items == 1 ? "job" : "jobs"));
    problem.members["errors"] = errors;
    return problem;
}

}  // namespace

std::variant<Submission, Problem> read_submission(const http::ServerRequest& request,
                                                  engine::Control& control, Instant now,
                                                  std::string_view configured_providers,
                                                  bool dry_run) {
    if (!may_be_json(request.headers)) {
        return Problem(415, "unsupported_media_type",
                       "The body has to be JSON: send Content-Type: application/json.");
    }
    const auto body = parse_json(request.body);
    if (!body) {
        return Problem(400, "malformed_json",
                       request.body.empty() ? "The body is empty; it has to be a job or an array "
                                              "of jobs as JSON."
                                            : body.error().context());
    }
    const json::array* items = body->if_array();
    const std::size_t count = items == nullptr ? 1 : items->size();
    if (count == 0) return refuse_all("no_jobs", "The array is empty; it has to hold a job.");
    if (count > submission_jobs_max) {
        return refuse_all("too_many_jobs",
                          fmt::format("{} jobs in one request; at most {} are taken: send more "
                                      "requests.",
                                      count, submission_jobs_max));
    }
    Reader reader(control, now, configured_providers, dry_run);
    if (items == nullptr) {
        reader.add(0, *body);
    } else {
        for (std::size_t i = 0; i < count; ++i) reader.add(i, (*items)[i]);
    }
    if (!reader.errors().empty()) return invalid_jobs(reader.errors(), count);
    Submission submission;
    submission.requests = reader.take();
    submission.files = reader.take_files();
    submission.array = items != nullptr;
    return submission;
}

}  // namespace reeld::api
