#include "support/stage.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace reeld::test {
namespace {

using domain::Job;
using domain::Reason;
using domain::State;

// As systemd waits before it starts a dead service again.
constexpr Millis restart_wait{2'000};
constexpr Millis patience{300'000};

std::string prompt_of(const Job& job) {
    const json::value input = json::parse(job.request.input);
    return std::string(input.at("prompt").as_string());
}

}  // namespace

// What a death leaves is started anew, as often as it dies under its start.
void Stage::go_on() {
    while (world_.dead()) {
        world_.bury();
        start_again();
    }
}

void Stage::start_again() {
    world_.clock().advance(restart_wait);
    world_.start();
    // Before new events hide what was taken back.
    if (!world_.dead()) compare(world_.jobs());
    world_.settle();
}

json::object Stage::job(const std::string& id, std::string_view marks) const {
    json::object job = world_.job_json(id);
    job["input"] = json::object{{"prompt", fmt::format("night job {} {}", id, marks)}};
    return job;
}

Reply Stage::ask(const std::function<ReplyPtr()>& request) {
    for (int tries = 0; tries < 20; ++tries) {
        const ReplyPtr reply = request();
        const int life = world_.lives();
        wait_until([&] { return reply->given || world_.lives() != life; }, patience);
        if (!reply->given) continue;
        // Whatever an answer shows is a promise.
        for (const Job& job : reply->jobs) shown_[job.request.id.str()] = job.version;
        return *reply;
    }
    throw std::runtime_error("the daemon answers nobody");
}

Reply Stage::submit(std::vector<json::object> jobs) {
    return ask([&] { return world_.submit(jobs); });
}

Reply Stage::submit(const std::string& id, std::string_view marks) {
    return submit(std::vector<json::object>{job(id, marks)});
}

Reply Stage::act(const std::string& id, engine::Action action) {
    return ask([&] { return world_.act(id, action); });
}

void Stage::adopt(const std::string& id) {
    std::optional<std::string> request;
    for (const Job& job : world_.jobs()) {
        if (job.request.id.str() == id) request = unowned_request(job);
    }
    if (request) ask([&] { return world_.adopt(id, *request); });
}

Reply Stage::hand_over(const std::string& bytes) {
    return ask([&] { return world_.hand_over(bytes); });
}

std::string Stage::backup(std::string name) {
    for (int tries = 0; tries < 5; ++tries) {
        const Reply reply = ask([&] { return world_.backup(name); });
        if (reply.status) return name;
        // The process before has given a copy this name, and died before it said so.
        if (reply.status.error().code() == ErrorCode::conflict) name = "again-" + name;
    }
    throw std::runtime_error("no backup is made");
}

void Stage::restore(const std::string& name) {
    world_.put_back(name);
    shown_.clear();
    start_again();
    go_on();
}

void Stage::look() {
    ask([&] { return world_.read(); });
}

void Stage::drop(const std::string& id, std::string_view marks) {
    const json::object row = job(id, marks);
    world_.drop_row(id, World::model, json::serialize(row.at("input")), !id.empty());
    if (id.empty()) nameless_.emplace(row.at("input").at("prompt").as_string());
    world_.engine().inbox_changed();
    wait(Millis{1});
}

void Stage::drop_broken(const std::string& id) {
    world_.drop_row(id, World::model, "oops", false);
    world_.engine().inbox_changed();
    wait(Millis{1});
}

void Stage::mend(const std::string& id) {
    const json::object row = job(id);
    wait_until([&] { return world_.mend_row(id, json::serialize(row.at("input"))); });
    world_.engine().inbox_changed();
    wait(Millis{1});
}

void Stage::wait(Millis duration) {
    wait_until([] { return false; }, duration);
}

bool Stage::wait_until(const std::function<bool()>& holds, Millis limit) {
    const Millis end = world_.clock().monotonic() + limit;
    for (;;) {
        const Millis left = std::max(end - world_.clock().monotonic(), Millis{0});
        const bool held = world_.pass_until(holds, left);
        if (!world_.dead()) return held;
        go_on();
    }
}

bool Stage::wait_for(const std::string& id, State state, Millis limit) {
    return wait_until([&] { return state_of(id) == state; }, limit);
}

State Stage::state_of(const std::string& id) {
    const auto found = world_.store().transact([&](store::Tx& tx) { return tx.find_job(JobId(id)); });
    return found && *found ? (*found)->state : State::blocked;
}

void Stage::stop_and_start() {
    world_.stop();
    start_again();
    go_on();
}

void Stage::expect(const std::string& id, std::set<State> states) {
    expected_[id] = std::move(states);
}

// A request that belongs to none of the submits that are known to have made one.
std::optional<std::string> Stage::unowned_request(const Job& job) const {
    const std::string prompt = prompt_of(job);
    const json::object ledger = world_.provider().ledger();
    for (const json::value& entry : ledger.at("accepted").as_array()) {
        if (entry.at("input").at("prompt").as_string() != prompt) continue;
        const RequestId id{std::string(entry.at("request_id").as_string())};
        const auto owner = world_.store().transact(
            [&](store::Tx& tx) { return tx.find_attempt_by_request(job.provider, id); });
        if (!owner || !*owner) return id.str();
    }
    return std::nullopt;
}

// Nothing but a person can tell their requests apart.
bool Stage::has_twin(const Job& job) const {
    int wishes = 0;
    for (const Job& other : world_.jobs()) wishes += prompt_of(other) == prompt_of(job) ? 1 : 0;
    return wishes > 1;
}

// A person who knows the provider's bill lets go what is not on it. What is on it the daemon should
// have found by itself.
bool Stage::decide(std::vector<std::string>& wrong) {
    bool decided = false;
    for (const Job& job : world_.jobs()) {
        if (job.state != State::held || job.reason != Reason::submit_unknown) continue;
        decided = true;
        if (unowned_request(job)) {
            if (!has_twin(job)) {
                wrong.push_back(job.request.id.str() + ": its request exists and was not found");
            }
            adopt(job.request.id.str());
            continue;
        }
        act(job.request.id.str(), engine::Action::release);
    }
    return decided;
}

void Stage::compare(const std::vector<Job>& jobs) {
    for (const Job& job : jobs) {
        const auto shown = shown_.find(job.request.id.str());
        if (shown == shown_.end() || job.version >= shown->second) continue;
        taken_back_.push_back(fmt::format("{}: somebody saw version {}, now it is {}",
                                          shown->first, shown->second, job.version));
    }
}

void Stage::demand(bool holds, const std::string& otherwise) {
    if (!holds) taken_back_.push_back(otherwise);
}

void Stage::check_end(const std::string& id, State state, std::string_view reason,
                      std::vector<std::string>& wrong) const {
    const auto said = expected_.find(id);
    const bool good =
        said == expected_.end() ? state == State::completed : said->second.contains(state);
    if (!good) wrong.push_back(fmt::format("{}: ended {} ({})", id, to_string(state), reason));
}

void Stage::check_ends(std::vector<std::string>& wrong) {
    std::set<std::string> lost = nameless_;
    for (const Job& job : world_.jobs()) {
        lost.erase(prompt_of(job));
        check_end(job.request.id.str(), job.state, to_string(job.reason), wrong);
    }
    for (const auto& [id, record] : world_.retired()) {
        const json::string& state = record.at("job").at("state").as_string();
        check_end(id, *domain::parse_state(std::string_view(state)), "exported", wrong);
    }
    for (const std::string& prompt : lost) wrong.push_back(prompt + ": dropped, and lost");
}

// Cheap, for it is asked at every turn.
bool Stage::all_rest() {
    const auto counts = world_.store().transact([](store::Tx& tx) { return tx.count_by_state(); });
    if (!counts) return false;
    for (const auto& [state, jobs] : *counts) {
        if (jobs > 0 && !domain::is_terminal(state) && state != State::held) return false;
    }
    return true;
}

std::vector<std::string> Stage::finish() {
    std::vector<std::string> wrong;
    world_.calm();
    bool again = true;
    for (int round = 0; again && round < 5; ++round) {
        wait_until([&] { return all_rest() && world_.quiet(); }, std::chrono::hours{96});
        again = decide(wrong);
    }
    // A last start sweeps what is left over.
    world_.bury();
    start_again();
    wait(std::chrono::minutes{2});
    wait_until([&] { return all_rest() && world_.quiet(); }, std::chrono::hours{96});
    compare(world_.jobs());
    check_ends(wrong);
    wrong.insert(wrong.end(), taken_back_.begin(), taken_back_.end());
    const std::vector<std::string> found = world_.check();
    wrong.insert(wrong.end(), found.begin(), found.end());
    return wrong;
}

}  // namespace reeld::test
