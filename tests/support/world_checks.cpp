// What must hold once a world is quiet, whatever happened in it.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "base/crypto.hpp"
#include "domain/invariants.hpp"
#include "store/chain_walk.hpp"
#include "support/world.hpp"

namespace reeld::test {

using domain::Job;
using domain::State;

namespace {

std::string prompt_of(const Job& job) {
    return json::parse(job.request.input).at("prompt").as_string().c_str();
}

}  // namespace

void World::check_jobs(std::vector<std::string>& wrong) {
    std::set<std::string> present;
    std::map<std::string, std::string> requests;  // and the job that follows each
    for (const Job& job : jobs()) {
        const std::string id = job.request.id.str();
        const auto say = [&](std::string_view what) {
            wrong.push_back(fmt::format("{}: {}", id, what));
        };
        present.insert(id);
        const auto attempts =
            *store().transact([&](store::Tx& tx) { return tx.attempts(job.request.id); });
        const auto trail =
            *store().transact([&](store::Tx& tx) { return tx.events(job.request.id); });
        for (const domain::Violations& violations :
             {domain::check_row(job), domain::check_attempts(job, attempts),
              domain::check_trail(job, attempts, trail)}) {
            for (const domain::Violation& violation : violations) {
                say(fmt::format("{}: {}", violation.name, violation.what));
            }
        }
        for (const domain::Attempt& attempt : attempts) {
            if (!attempt.remote) continue;
            const std::string request = attempt.remote->request_id.str();
            const auto [other, fresh] = requests.emplace(request, id);
            if (!fresh) say(fmt::format("follows the request {} of {}", request, other->second));
        }
        if (job.state != State::completed) continue;
        for (const domain::Output& output : job.outputs) check_file(output, wrong);
    }
    for (const std::string& id : acknowledged_) {
        if (!present.contains(id)) wrong.push_back(id + ": acknowledged, and lost");
    }
    for (const std::string& id : dropped_) {
        if (!present.contains(id)) wrong.push_back(id + ": dropped, and lost");
    }
}

void World::check_chain(std::vector<std::string>& wrong) {
    const auto found = *store().transact([](store::Tx& tx) {
        constexpr int page = 1'000;
        store::ChainWalk walk(tx.chain_head(), std::nullopt);
        while (!walk.reached_end()) {
            const auto links = tx.links_after(walk.at(), page);
            if (links.empty()) break;
            walk.take(tx.chain_head(), links);
        }
        walk.finish();
        return walk.found();
    });
    for (const store::ChainFinding& one : found) {
        wrong.push_back(fmt::format("trail, event {}: {}", one.event, one.what));
    }
}

void World::check_file(const domain::Output& output, std::vector<std::string>& wrong) {
    if (!disk_->files().contains(output.path)) {
        wrong.push_back("completed without its file " + output.path);
        return;
    }
    // …/files/b/{request id}/{name}, and a query that may tell when it expires
    const std::string place = output.url.substr(0, output.url.find('?'));
    const std::string made = place.substr(place.find("/b/") + 3);
    const auto slash = made.find('/');
    const std::string truth = provider_->file_of(made.substr(0, slash), made.substr(slash + 1));
    const std::string file = disk_->at(output.path);
    if (file != truth || sha256_hex(file) != output.sha256 || file.size() != output.bytes) {
        wrong.push_back(output.path + ": is not what the provider made");
    }
}

void World::check_ledger(std::vector<std::string>& wrong) {
    const json::object ledger = provider_->ledger();
    std::map<std::string, int> billed;
    std::map<std::string, int> wishes;  // jobs that ask for the very same
    for (const Job& job : jobs()) ++wishes[prompt_of(job)];
    std::set<std::string> webhooks;
    for (const json::value& entry : ledger.at("accepted").as_array()) {
        const json::object& accepted = entry.as_object();
        const std::string prompt(accepted.at("input").as_object().at("prompt").as_string());
        if (accepted.at("billed").as_bool()) ++billed[prompt];
        const auto hook = find_string(accepted, "webhook");
        if (hook && !hook->empty() && !webhooks.insert(*hook).second) {
            wrong.push_back("one intent was sent twice: " + prompt);
        }
    }
    for (const auto& [prompt, count] : billed) {
        if (count > wishes[prompt] && !options_.resubmit_unknown && !risked_.contains(prompt)) {
            wrong.push_back(fmt::format("\"{}\" was paid {} times", prompt, count));
        }
    }
}

// Every request that the provider accepted is bound to the attempt that asked for it, or that
// attempt says that nobody knows.
void World::check_submits(std::vector<std::string>& wrong) {
    struct Wish {
        int attempts = 0, accepted = 0, unbound = 0, unknown = 0;
    };
    std::map<std::string, Wish> wishes;
    std::set<std::string> bound;
    for (const Job& job : jobs()) {
        Wish& wish = wishes[prompt_of(job)];
        const auto attempts =
            *store().transact([&](store::Tx& tx) { return tx.attempts(job.request.id); });
        for (const domain::Attempt& attempt : attempts) {
            ++wish.attempts;
            if (attempt.remote) {
                bound.insert(attempt.remote->request_id.str());
            } else if (attempt.outcome == "unknown") {
                ++wish.unknown;
            }
            if (attempt.outcome == "intent") {
                wrong.push_back(fmt::format("{}: attempt {} was never settled",
                                            job.request.id.str(), attempt.number));
            }
        }
    }
    const json::object ledger = provider_->ledger();
    for (const json::value& entry : ledger.at("accepted").as_array()) {
        const json::object& accepted = entry.as_object();
        Wish& wish = wishes[std::string(accepted.at("input").at("prompt").as_string())];
        ++wish.accepted;
        wish.unbound += bound.contains(std::string(accepted.at("request_id").as_string())) ? 0 : 1;
    }
    for (const auto& [prompt, wish] : wishes) {
        if (wish.accepted > wish.attempts) {
            wrong.push_back(fmt::format("\"{}\": {} intents, {} accepted requests", prompt,
                                        wish.attempts, wish.accepted));
        }
        if (wish.unbound > wish.unknown) {
            wrong.push_back(
                fmt::format("\"{}\": {} accepted requests nobody follows, {} attempts say so",
                            prompt, wish.unbound, wish.unknown));
        }
    }
}

// Nothing lies there but what jobs have planned.
void World::check_disk(std::vector<std::string>& wrong) {
    std::set<std::string> planned;
    for (const Job& job : jobs()) {
        for (const domain::Output& output : job.outputs) planned.insert(output.path);
    }
    for (const auto& [path, content] : disk_->files()) {
        if (path.find(".part") != std::string::npos) {
            wrong.push_back("ownerless file " + path);
        } else if (!planned.contains(path)) {
            wrong.push_back("nobody planned " + path);
        }
    }
}

// What is seen of each submit as it leaves: the limits of the configuration and the provider's word.
void World::watch_submit(const std::string& provider) {
    constexpr Millis minute{60'000};
    Pace& pace = paces_[provider];
    std::deque<Millis>& submits = pace.submits;
    const auto& no_submit_before = pace.no_submit_before;
    const Millis now = clock_.monotonic();
    journal_.count("submits");
    const auto say = [&](std::string what) {
        note("world", what);
        broken_.push_back(fmt::format("at {} ms: {}", now.count(), what));
    };
    while (!submits.empty() && submits.front() + minute <= now) submits.pop_front();
    submits.push_back(now);
    // The pacer lets five seconds' worth go at once, on top of the minute's steady pace.
    const int most = settings_.requests_per_minute + settings_.requests_per_minute / 12 + 1;
    if (static_cast<int>(submits.size()) > most) {
        say(fmt::format("{} submits within a minute", submits.size()));
    }
    if (no_submit_before && now < *no_submit_before) {
        say(fmt::format("a submit {} ms before the provider wants one",
                        (*no_submit_before - now).count()));
    }
    if (dead_ || limits_forgiven_until_ > now) return;
    const auto in_hand = *store().transact([&](store::Tx& tx) { return tx.count_in_hand(provider); });
    if (in_hand > settings_.concurrency) {
        say(fmt::format("{} jobs in hand, {} allowed", in_hand, settings_.concurrency));
    }
}

// After a restart, a reload or a clock that was set the daemon may start counting anew.
void World::forgive_limits() {
    paces_.clear();
    limits_forgiven_until_ = clock_.monotonic() + Millis{5'000};
}

}  // namespace reeld::test
