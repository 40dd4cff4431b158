#pragma once
// What every verb works with: the options, the daemon behind its socket, and the two outputs.
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/client.hpp"
#include "reel/arguments.hpp"
#include "reel/failure.hpp"
#include "reel/pairs.hpp"
#include "reel/text.hpp"
#include "runtime/clock.hpp"
#include "runtime/file_system.hpp"
#include "runtime/task_group.hpp"

namespace reeld::reel {

template <class T>
using awaitable = runtime::awaitable<T>;

struct Console {
    std::function<void(std::string_view)> out;  // data
    std::function<void(std::string_view)> err;  // all else
    std::function<Look()> look_out;             // asked anew: a terminal may be resized
    std::function<Look()> look_err;
};

// A 2xx answer.
struct Reply {
    int status = 200;
    std::string body;   // as it came
    json::value value;  // null when the body is no JSON
    std::string date;
};
using Called = std::variant<Reply, Failure>;

struct Session {
    Options options;
    std::string socket;
    std::string version;
    http::Client& client;
    runtime::Clock& clock;
    runtime::FileSystem& files;
    runtime::TaskGroup& tasks;  // for what runs beside the verb; stopped when the verb has ended
    Console console;
    ReadFile read_file;         // "-" is standard input
};

// One call of the daemon's API. `session` must outlive the await.
awaitable<Called> call(Session& session, std::string method, std::string target,
                       std::string body = {});

// The same with limits of its own.
awaitable<Called> call_with(Session& session, HttpRequest request, http::RequestOptions options);

// Options and request for a call over the session's socket.
http::RequestOptions socket_options(const Session& session);
HttpRequest socket_request(std::string method, std::string target, std::string body);

// Tells the failure on stderr; with --json also the socket's own answer on stdout.
Exit report(Session& session, const Failure& failure);

// Every verb ends in its exit code; `session` must outlive the await.
awaitable<Exit> run_verb(Session& session);

awaitable<Exit> run_submit(Session& session);
awaitable<Exit> run_list(Session& session);
awaitable<Exit> run_show(Session& session);
awaitable<Exit> run_events(Session& session);
awaitable<Exit> run_logs(Session& session);
awaitable<Exit> run_action(Session& session, std::string action);
awaitable<Exit> run_adopt(Session& session);
awaitable<Exit> run_watch(Session& session);
awaitable<Exit> run_wait(Session& session);
awaitable<Exit> run_status(Session& session);
awaitable<Exit> run_models(Session& session);
awaitable<Exit> run_doctor(Session& session);
awaitable<Exit> run_verify(Session& session);
awaitable<Exit> run_backup(Session& session);

// "/v1/models/<id>"
std::string model_target(const std::string& id);
// "/v1/jobs/<id>" and what follows.
std::string job_target(const std::string& id, std::string_view rest = {});
// "?a=b&c=d", percent-encoded; members with an empty value are left out.
std::string query_text(const std::vector<std::pair<std::string, std::string>>& members);

// The objects of a list answer.
std::vector<json::object> jobs_of(const json::value& answer);

}  // namespace reeld::reel
