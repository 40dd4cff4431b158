#pragma once
// Which call a method and a path mean.
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "engine/control.hpp"

namespace reeld::api {

namespace route {
struct ListJobs {};
struct SubmitJobs {};
struct ShowJob { std::string id; };
struct JobEvents { std::string id; };
struct JobAttempts { std::string id; };
struct JobLogs { std::string id; };
struct Act {
    std::string id;
    engine::Action action = engine::Action::cancel;
};
struct Adopt { std::string id; };
struct ListModels {};
struct ShowModel { std::string id; };
struct Backup {};
struct ShowFile { std::string sha256; };
struct PutFile { std::string sha256; };
struct EventStream {};
struct ServerStatus {};
struct Verify {};
struct Metrics {};
struct Unknown {};                             // no such path
struct WrongMethod { std::string_view allow; };  // for the Allow header
}  // namespace route

using Route = std::variant<route::ListJobs, route::SubmitJobs, route::ShowJob, route::JobEvents,
                           route::JobAttempts, route::JobLogs, route::Act, route::Adopt,
                           route::ListModels, route::ShowModel, route::ShowFile, route::PutFile,
                           route::Backup, route::EventStream,
                           route::ServerStatus, route::Verify, route::Metrics, route::Unknown,
                           route::WrongMethod>;

// `path` is as sent, without the query. HEAD is read as GET.
Route match_route(std::string_view method, std::string_view path);

}  // namespace reeld::api
