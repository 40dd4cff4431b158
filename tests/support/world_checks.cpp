// What must hold once a world is quiet, whatever happened in it.
#include <fmt/format.h>

#include <map>

#include "base/crypto.hpp"
#include "domain/invariants.hpp"
#include "store/chain_walk.hpp"
#include "support/world.hpp"

namespace reeld::test {

using domain::Job;
using domain::State;

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
    HttpRequest request;
    request.url = output.url;
    const sandbox::Answer media = provider_->handle(request, clock_.true_now());
    const std::string file = disk_->at(output.path);
    if (file != media.body || sha256_hex(file) != output.sha256 || file.size() != output.bytes) {
        wrong.push_back(output.path + ": is not what the provider made");
    }
}

void World::check_ledger(std::vector<std::string>& wrong) {
    const json::object ledger = provider_->ledger();
    std::map<std::string, int> billed;
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
        if (count > 1 && !options_.resubmit_unknown && !risked_.contains(prompt)) {
            wrong.push_back(fmt::format("\"{}\" was paid {} times", prompt, count));
        }
    }
}

}  // namespace reeld::test
