// What must hold once a world is quiet, whatever happened in it.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <map>

#include "base/crypto.hpp"
#include "base/json_equality.hpp"
#include "domain/account.hpp"
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

std::string prompt_of(const json::object& exported) {
    return exported.at("job").at("input").at("prompt").as_string().c_str();
}

// Calls `take` with every line that has an end; what stands behind the last one is being written, or
// was when a process died.
template <class F>
void each_line(const std::string& text, F take) {
    std::size_t begin = 0;
    for (auto end = text.find('\n'); end != text.npos; end = text.find('\n', begin)) {
        take(text.substr(begin, end - begin));
        begin = end + 1;
    }
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
            if (!fresh && !misnamed_.contains(request)) say(fmt::format("follows the request {} of {}", request, other->second));
        }
        if (job.state != State::completed) continue;
        for (const domain::Output& output : job.outputs) check_file(job, output, wrong);
    }
    for (const auto& [name, record] : retired()) {
        const JobId id(name);
        const auto known =
            *store().transact([&](store::Tx& tx) { return tx.find_retired(id); });
        if (known) present.insert(name);
    }
    for (const std::string& id : acknowledged_) {
        if (!present.contains(id)) wrong.push_back(id + ": acknowledged, and lost");
    }
    // A file that was gone when the row was read: the row stays, with words.
    const auto is_refused = [this](const std::string& id) {
        return options_.local_files &&
               test::row_error(inbox().path(), id).find("first_frame_image") != std::string::npos;
    };
    for (const std::string& id : dropped_) {
        if (!present.contains(id) && !is_refused(id)) {
            wrong.push_back(fmt::format("{}: dropped, and lost; its row says \"{}\"", id,
                                        test::row_error(inbox().path(), id)));
        }
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

void World::check_file(const Job& job, const domain::Output& output,
                       std::vector<std::string>& wrong) {
    if (!disk_->files().contains(output.path)) {
        wrong.push_back("completed without its file " + output.path);
        return;
    }
    // …/files/b/{request id}/{name}, and a query that may tell when it expires
    // What came with the answer is the same file that an address would have given.
    const std::string url =
        output.inlined ? "/b/" + job.remote->request_id.str() + "/speech.mp3" : output.url;
    const std::string place = url.substr(0, url.find('?'));
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
    for (const auto& [id, record] : retired()) ++wishes[prompt_of(record)];
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

// The days' sums are those of all submits that ever were, and they cover what the provider bills.
void World::check_money(std::vector<std::string>& wrong) {
    std::map<std::string, domain::MoneySum> days;
    const auto add = [&](const domain::Attempt& attempt, const std::string& whose) {
        if (attempt.billing == domain::Billing::estimated && attempt.outcome != "completed") {
            wrong.push_back(fmt::format("{}: attempt {} is {}, and is counted as a result", whose,
                                        attempt.number, attempt.outcome));
        }
        const domain::Money sums = domain::sums_of(std::span(&attempt, 1));
        const std::int64_t cost = domain::cost_of(std::span(&attempt, 1));
        domain::MoneySum sum;
        sum.submits = cost > 0 ? 1 : 0;
        sum.unpriced = sums.unpriced;
        sum.reserved_micro_usd = sums.reserved_micro_usd;
        sum.settled_micro_usd = cost - sums.by_estimate_micro_usd;
        sum.estimated_micro_usd = sums.by_estimate_micro_usd;
        sum.possible_micro_usd = sums.possible_micro_usd;
        days[attempt.day] += sum;
    };
    for (const Job& job : jobs()) {
        const auto attempts =
            *store().transact([&](store::Tx& tx) { return tx.attempts(job.request.id); });
        for (const domain::Attempt& attempt : attempts) add(attempt, job.request.id.str());
    }
    for (const auto& [id, record] : retired()) {
        for (const json::value& value : record.at("attempts").as_array()) {
            const json::object& one = value.as_object();
            domain::Attempt attempt;
            attempt.number = static_cast<int>(one.at("number").to_number<std::int64_t>());
            attempt.outcome = find_string(one, "outcome").value_or("");
            attempt.billing = *domain::parse_billing(*find_string(one, "billing"));
            attempt.reserved_micro_usd = find_int(one, "reserved_micro_usd");
            attempt.billed_micro_usd = find_int(one, "billed_micro_usd");
            attempt.day = *find_string(one, "day");
            add(attempt, id);
        }
    }
    // An older database knows nothing of what was exported or paid since.
    if (put_back_) return;
    domain::MoneySum all;
    for (const auto& [day, expected] : days) {
        domain::MoneySum sum;
        const auto rows =
            *store().transact([&, &day = day](store::Tx& tx) { return tx.money_of_day(day); });
        for (const store::MoneyOfDay& row : rows) sum += row.sum;
        if (!(sum == expected)) wrong.push_back(day + ": the sums are not those of its submits");
        all += sum;
    }
    if (all.reserved_micro_usd > 0) wrong.push_back("money is set aside, and nothing goes on");
    // Who names the wrong request makes one be followed twice and another by nobody.
    if (!misnamed_.empty()) return;
    const double billed_usd = provider_->ledger().at("billed_usd").to_number<double>();
    const auto billed = static_cast<std::int64_t>(std::llround(billed_usd * 1e6));
    if (all.spent() > billed || all.spent() + all.possible_micro_usd < billed) {
        wrong.push_back(fmt::format("{} are billed; {} count as spent, {} as possibly billed",
                                    domain::dollars(billed), domain::dollars(all.spent()),
                                    domain::dollars(all.possible_micro_usd)));
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
    for (const auto& [id, record] : retired()) {
        Wish& wish = wishes[prompt_of(record)];
        for (const json::value& attempt : record.at("attempts").as_array()) {
            ++wish.attempts;
            const json::value& request = attempt.at("request_id");
            if (request.is_string()) bound.emplace(request.as_string());
            wish.unknown += !request.is_string() && attempt.at("outcome") == "unknown" ? 1 : 0;
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
        if (wish.unbound > wish.unknown && !misled_.contains(prompt)) {
            wrong.push_back(
                fmt::format("\"{}\": {} accepted requests nobody follows, {} attempts say so",
                            prompt, wish.unbound, wish.unknown));
        }
    }
}

// The provider never repeats a webhook that was taken: it has to be kept.
void World::check_receipts(std::vector<std::string>& wrong) {
    // Retention may have removed what was kept, rightly.
    if (options_.retention.evidence_max_age || !options_.retention.jobs.empty()) return;
    for (const auto& [token, body] : receipts_) {
        const std::string kept = body.substr(0, store::evidence_body_bytes_max);
        bool found = false;
        const Status read = store().transact([&, &token = token](store::Tx& tx) {
            const auto attempt = tx.find_attempt_by_token(Token(token));
            if (!attempt) return;
            const auto all = tx.evidence_of(attempt->job);
            found = std::any_of(all.begin(), all.end(), [&](const store::Evidence& evidence) {
                return evidence.kind == store::EvidenceKind::webhook && evidence.body == kept;
            });
        });
        if (!read || !found) {
            wrong.push_back("a webhook was taken, and is not kept: " + body.substr(0, 200));
        }
    }
}

// What was sent is what the attempt says, and nobody is told where the bytes of a file go.
void World::check_uploads(std::vector<std::string>& wrong) {
    std::map<std::string, json::value> accepted;
    const json::object ledger = provider_->ledger();
    for (const json::value& entry : ledger.at("accepted").as_array()) {
        accepted[std::string(entry.at("request_id").as_string())] = entry.at("input");
    }
    const auto tells = [](const std::string& text) {
        return text.find("/storage/put/") != std::string::npos;
    };
    for (const Job& job : jobs()) {
        if (job.files.empty()) continue;
        const std::string id = job.request.id.str();
        bool told = job.error && tells(job.error->message);
        const Status read = store().transact([&](store::Tx& tx) {
            for (const auto& entry : tx.events(job.request.id)) {
                told = told || tells(entry.note) || tells(canonical_json(entry.patch));
            }
            for (const auto& one : tx.evidence_of(job.request.id)) {
                told = told || tells(one.head) || tells(one.body);
            }
            for (const domain::Attempt& attempt : tx.attempts(job.request.id)) {
                const auto at = attempt.remote
                                    ? accepted.find(attempt.remote->request_id.str())
                                    : accepted.end();
                if (at == accepted.end() || misnamed_.contains(at->first)) continue;
                if (!same_json(domain::sent_input(job, attempt), canonical_json(at->second))) {
                    wrong.push_back(id + ": was sent with another input than its attempt says");
                }
            }
        });
        if (!read) wrong.push_back(read.error().message());
        if (told) wrong.push_back(id + ": tells where the bytes of its file went");
    }
}

// Nothing lies there but what jobs have planned.
void World::check_disk(std::vector<std::string>& wrong) {
    std::set<std::string> planned;
    for (const Job& job : jobs()) {
        for (const domain::Output& output : job.outputs) planned.insert(output.path);
    }
    for (const auto& [id, record] : retired()) {
        for (const json::value& output : record.at("job").at("outputs").as_array()) {
            planned.emplace(output.at("path").as_string());
        }
    }
    for (const auto& [path, content] : disk_->files()) {
        if (path.starts_with(exports) || path.starts_with(shots)) continue;
        if (path.starts_with(spool)) {
            // What has a name there is what it says.
            const std::string sum = path.substr(std::string(spool).size() + 1, 64);
            if (!path.ends_with(".part") && sum != sha256_hex(content->bytes())) {
                wrong.push_back("another file than it says: " + path);
            }
            continue;
        }
        if (path.find(".part") != std::string::npos) {
            wrong.push_back("ownerless file " + path);
        } else if (!planned.contains(path)) {
            wrong.push_back("nobody planned " + path);
        }
    }
}

std::map<std::string, json::object> World::retired() {
    std::map<std::string, json::object> records;
    for (const auto& [path, file] : disk_->files()) {
        if (!path.starts_with(exports)) continue;
        each_line(file->bytes(), [&](const std::string& line) {
            auto record = parse_json(line);
            const auto id = record ? find_string(record->as_object(), "id") : std::nullopt;
            if (id && record->as_object().contains("job")) records[*id] = record->as_object();
        });
    }
    for (const Job& job : jobs()) records.erase(job.request.id.str());
    return records;
}

void World::check_exports(std::vector<std::string>& wrong) {
    for (const auto& [path, file] : disk_->files()) {
        if (!path.starts_with(exports)) continue;
        each_line(file->bytes(), [&, &path = path](const std::string& line) {
            const auto record = parse_json(line);
            if (record && record->is_object() && record->as_object().contains("id")) return;
            wrong.push_back(fmt::format("{} has a line that is none ({}): {}", path,
                                        record ? "no record" : record.error().message(), line));
        });
    }
    for (const auto& [name, record] : retired()) {
        const JobId id(name);
        const auto known =
            *store().transact([&](store::Tx& tx) { return tx.find_retired(id); });
        if (known && record.at("job").at("state").as_string() == domain::to_string(known->state)) {
            continue;
        }
        wrong.push_back(name + ": was exported as something else than what ended");
    }
}

void World::check_copy(const std::string& name, std::vector<std::string>& wrong) {
    const auto say = [&](const std::string& what) { wrong.push_back(name + ": " + what); };
    SQLite::Database copy(folder_ + "/" + name, SQLite::OPEN_READONLY);
    const std::string whole = copy.execAndGet("PRAGMA integrity_check").getString();
    if (whole != "ok") say(whole);
    if (name.ends_with(".inbox")) return;
    std::set<std::string> present;
    SQLite::Statement row(copy, "SELECT id FROM jobs");
    while (row.executeStep()) present.insert(row.getColumn(0).getString());
    if (copy.execAndGet("SELECT count(*) FROM copied").getInt() != 1) say("does not say it is one");
    const auto told = copies_.find(name);
    if (told == copies_.end()) return;
    const auto events = copy.execAndGet("SELECT count(*) FROM job_events").getInt64();
    if (told->second.jobs != static_cast<std::int64_t>(present.size()) ||
        told->second.events != events) {
        say("has not what was told of it");
    }
    for (const std::string& id : told->second.promised) {
        if (!present.contains(id)) say("lacks " + id);
    }
}

// Under a final name there is a whole copy or nothing.
void World::check_copies(std::vector<std::string>& wrong) {
    std::vector<std::string> names;
    for (const auto& [name, file] : vfs_->image().files()) {
        if (name.starts_with("reel.db") || name.starts_with("inbox.db")) continue;
        if (name.find(".copying") != std::string::npos) {
            // The power may bring back what was removed.
            if (!lost_power_) wrong.push_back(name + ": an unfinished copy was left");
        } else {
            names.push_back(name);
        }
    }
    for (const std::string& name : names) {
        try {
            check_copy(name, wrong);
        } catch (const SQLite::Exception& damaged) {
            wrong.push_back(name + ": " + damaged.what());
        }
    }
    for (const auto& [name, copy] : copies_) {
        if (!vfs_->image().find(name)) wrong.push_back(name + ": was told of, and is not there");
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

// Nothing that fails is tried again and again without a wait: that is how an account gets locked.
void World::watch_request() {
    constexpr Millis minute{60'000};
    constexpr std::size_t storm = 400;
    const Millis now = clock_.monotonic();
    while (!requests_.empty() && requests_.front() + minute <= now) requests_.pop_front();
    requests_.push_back(now);
    if (requests_.size() == storm) {
        broken_.push_back(fmt::format("at {} ms: {} requests within a minute", now.count(), storm));
    }
}

// After a restart, a reload or a clock that was set the daemon may start counting anew.
void World::forgive_limits() {
    paces_.clear();
    limits_forgiven_until_ = clock_.monotonic() + Millis{5'000};
}

}  // namespace reeld::test
