#pragma once
// Where a fixed script is played. The script is written as if nothing could go wrong: when the
// process dies under a call, the stage starts the next one and goes on, and its clients ask again
// until they have an answer.
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/world.hpp"

namespace reeld::test {

class Stage {
  public:
    explicit Stage(World& world) : world_(world) { world_.start(); }

    World& world() { return world_; }

    // Clients of the socket. A job's prompt is its id and what `marks` say to the sandbox.
    json::object job(const std::string& id, std::string_view marks = {}) const;
    Reply submit(std::vector<json::object> jobs);
    Reply submit(const std::string& id, std::string_view marks = {});
    Reply act(const std::string& id, engine::Action action);
    // Somebody who knows the provider's bill names a request for this job, if there is one.
    void adopt(const std::string& id);
    // A copy, under that name or a similar one; that name.
    std::string backup(std::string name);
    // A file for a job, over the socket.
    Reply hand_over(const std::string& bytes);
    // The daemon is stopped, the copy takes the place of its databases, it starts again.
    void restore(const std::string& name);
    // Somebody looks at all jobs. What was shown must not be taken back later.
    void look();

    // Somebody writes into the inbox; a row without an id gets one from the daemon.
    void drop(const std::string& id, std::string_view marks = {});
    void drop_broken(const std::string& id);
    void mend(const std::string& id);

    // Time.
    void wait(Millis duration);
    bool wait_until(const std::function<bool()>& holds, Millis limit = std::chrono::hours{1});
    // False when it was not seen in that state: it may be past it, above all after a death.
    bool wait_for(const std::string& id, domain::State state,
                  Millis limit = std::chrono::minutes{10});
    domain::State state_of(const std::string& id);
    void stop_and_start();

    // How a job may end, whatever dies on the way; without a word: completed.
    void expect(const std::string& id, std::set<domain::State> states);
    // What must be so now.
    void demand(bool holds, const std::string& otherwise);
    // Waits until nothing moves, decides what waits for a person, looks at everything.
    std::vector<std::string> finish();

  private:
    void go_on();
    void start_again();
    Reply ask(const std::function<ReplyPtr()>& request);
    void compare(const std::vector<domain::Job>& shown);
    bool decide(std::vector<std::string>& wrong);
    std::optional<std::string> unowned_request(const domain::Job& job) const;
    bool has_twin(const domain::Job& job) const;
    void check_end(const std::string& id, domain::State state, std::string_view reason,
                   std::vector<std::string>& wrong) const;
    bool all_rest();
    void check_ends(std::vector<std::string>& wrong);

    World& world_;
    std::map<std::string, std::set<domain::State>> expected_;
    std::set<std::string> nameless_;             // prompts of rows that were dropped without an id
    std::map<std::string, std::int64_t> shown_;  // the version of a row that somebody saw
    std::vector<std::string> taken_back_;
};

}  // namespace reeld::test
