#include "api/routes.hpp"

#include "base/encoding.hpp"

namespace reeld::api {
namespace {

constexpr std::string_view reading = "GET, HEAD";

std::optional<engine::Action> action_of(std::string_view name) {
    if (name == "cancel") return engine::Action::cancel;
    if (name == "hold") return engine::Action::hold;
    if (name == "release") return engine::Action::release;
    if (name == "retry") return engine::Action::retry;
    return std::nullopt;
}

template <class R>
Route when_reading(std::string_view method, R route) {
    if (method == "GET" || method == "HEAD") return route;
    return route::WrongMethod{reading};
}

Route match_collection(std::string_view method) {
    if (method == "POST") return route::SubmitJobs{};
    if (method == "GET" || method == "HEAD") return route::ListJobs{};
    return route::WrongMethod{"GET, HEAD, POST"};
}

// `rest` is what follows "/v1/jobs/".
Route match_job(std::string_view method, std::string_view rest) {
    const auto slash = rest.find('/');
    const auto id = percent_decode(rest.substr(0, slash));
    if (!id || id->empty()) return route::Unknown{};
    if (slash == std::string_view::npos) return when_reading(method, route::ShowJob{*id});
    const std::string_view what = rest.substr(slash + 1);
    if (what == "events") return when_reading(method, route::JobEvents{*id});
    if (what == "logs") return when_reading(method, route::JobLogs{*id});
    if (what == "attempts") return when_reading(method, route::JobAttempts{*id});
    if (const auto action = action_of(what)) {
        if (method == "POST") return route::Act{*id, *action};
        return route::WrongMethod{"POST"};
    }
    if (what == "adopt") {
        if (method == "POST") return route::Adopt{*id};
        return route::WrongMethod{"POST"};
    }
    return route::Unknown{};
}

// `rest` is what follows "/v1/models/": an id, whose slashes may be percent-encoded or not.
Route match_model(std::string_view method, std::string_view rest) {
    const auto id = percent_decode(rest);
    if (!id || id->empty()) return route::Unknown{};
    return when_reading(method, route::ShowModel{*id});
}

// `rest` is what follows "/v1/files/".
Route match_file(std::string_view method, std::string_view rest) {
    if (rest.empty() || rest.find('/') != std::string_view::npos) return route::Unknown{};
    if (method == "PUT") return route::PutFile{std::string(rest)};
    if (method == "GET" || method == "HEAD") return route::ShowFile{std::string(rest)};
    return route::WrongMethod{"GET, HEAD, PUT"};
}

}  // namespace

Route match_route(std::string_view method, std::string_view path) {
    constexpr std::string_view jobs = "/v1/jobs/";
    constexpr std::string_view models = "/v1/models/";
    constexpr std::string_view files = "/v1/files/";
    if (path == "/v1/jobs") return match_collection(method);
    if (path == "/v1/events") return when_reading(method, route::EventStream{});
    if (path == "/v1/status") return when_reading(method, route::ServerStatus{});
    if (path == "/v1/verify") return when_reading(method, route::Verify{});
    if (path == "/v1/backup") {
        if (method == "POST") return route::Backup{};
        return route::WrongMethod{"POST"};
    }
    if (path == "/v1/models") return when_reading(method, route::ListModels{});
    if (path.starts_with(models)) return match_model(method, path.substr(models.size()));
    if (path.starts_with(files)) return match_file(method, path.substr(files.size()));
    if (path == "/metrics") return when_reading(method, route::Metrics{});
    if (path.starts_with(jobs)) return match_job(method, path.substr(jobs.size()));
    return route::Unknown{};
}

}  // namespace reeld::api
