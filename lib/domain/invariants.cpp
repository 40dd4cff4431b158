#include "domain/invariants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "domain/account.hpp"

namespace reeld::domain {
namespace {

class Findings {
  public:
    void require(bool holds, std::string_view name, std::string_view what) {
        if (!holds) found_.push_back({name, std::string(what)});
    }
    template <class... Part>
    void add(std::string_view name, fmt::format_string<Part...> what, Part&&... parts) {
        found_.push_back({name, fmt::format(what, std::forward<Part>(parts)...)});
    }
    Violations take() { return std::move(found_); }

  private:
    Violations found_;
};

bool is_at_provider(State state) { return state == State::submitted || state == State::running; }

bool is_sha256(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

void check_times(const Job& job, Findings& found) {
    const bool over = is_terminal(job.state);
    found.require(over || job.due_at, "waits_with_timer", "it waits, and no timer looks at it");
    found.require(!over || !job.due_at, "ended_without_timer", "it is over and has a timer");
    found.require(over == job.finished_at.has_value(), "ended_with_date",
                  over ? "it is over without a date" : "it has the date of an end and is not over");
    const bool unknown = job.state == State::submit_unknown;
    found.require(unknown == job.unknown_until.has_value(), "unknown_with_limit",
                  unknown ? "the wait for evidence has no end"
                          : "it waits for evidence in a state that does not");
}

void check_submits(const Job& job, Findings& found) {
    const bool unknown = job.state == State::submit_unknown;
    const bool there = is_at_provider(job.state);
    found.require(job.attempt >= 0 && job.billable_attempts >= 0 && job.refusals >= 0 &&
                      job.fetch_failures >= 0,
                  "counts_not_negative", "it counts below zero");
    found.require(job.billable_attempts <= job.attempt, "billable_within_attempts",
                  "more submits may be billed than were made");
    const bool sent = job.state == State::submitting || unknown || there;
    found.require(!sent || job.attempt > 0, "sent_with_attempt", "it was sent without an attempt");
    found.require(!(unknown || there) || job.billable_attempts > 0, "sent_is_billable",
                  "what may be billed is not counted");
    found.require(!there || (job.remote && !job.remote->request_id.empty()),
                  "at_provider_with_request", "the provider has it under no request id");
    found.require(!there || job.submitted_at, "at_provider_with_date",
                  "the provider has it, and nothing says since when");
}

void check_outputs(const Job& job, Findings& found) {
    const bool result = job.state == State::fetching || job.state == State::completed;
    const bool values_only = job.state == State::completed && !job.values.empty();
    found.require(!result || !job.outputs.empty() || values_only, "result_with_outputs",
                  "its result is known and names no output");
    found.require(result || is_terminal(job.state) || job.values.empty(), "values_with_result",
                  "it has a result's values before its result is known");
    found.require(result || is_terminal(job.state) || job.outputs.empty(), "outputs_with_result",
                  "it has outputs before its result is known");
    int index = 0;
    bool all_stored = true;
    for (const Output& output : job.outputs) {
        if (output.index != index++) {
            found.add("outputs_in_order", "output {} stands at place {}", output.index, index - 1);
        }
        all_stored = all_stored && output.stored;
        if (output.stored && (output.path.empty() || !output.bytes || !is_sha256(output.sha256))) {
            found.add("stored_with_facts", "output {} is stored without path, size or SHA-256",
                      output.index);
        }
        if (job.state == State::completed && !output.stored) {
            found.add("completed_with_files", "it is completed and output {} is not stored",
                      output.index);
        }
    }
    found.require(job.state != State::fetching || !all_stored || job.outputs.empty(),
                  "fetching_waits_for_a_file", "it fetches, and every output is stored");
}

void check_money(const Job& job, Findings& found) {
    if (!job.money) return;
    const Money& money = *job.money;
    found.require(!is_terminal(job.state) || money.reserved_micro_usd == 0, "ended_reserves_nothing",
                  "it is over and money is set aside for it");
    found.require(money.reserved_micro_usd >= 0 && money.by_estimate_micro_usd >= 0 &&
                      money.possible_micro_usd >= 0 && money.unpriced >= 0 &&
                      job.cost_micro_usd.value_or(0) >= money.by_estimate_micro_usd,
                  "money_not_negative", "its sums of money are below nothing, or above the whole");
}

// The job's sums against its submits; what was counted before everything was is left out.
void check_sums(const Job& job, std::span<const Attempt> attempts, Findings& found) {
    if (!job.money || !all_counted(attempts)) return;
    Money sums = sums_of(attempts);
    sums.estimate_micro_usd = job.money->estimate_micro_usd;
    sums.sure = job.money->sure;
    const std::int64_t cost = cost_of(attempts);
    if (sums == *job.money && cost == job.cost_micro_usd.value_or(0)) return;
    const auto text = [](const Money& money, std::int64_t total) {
        return fmt::format("cost {} ({} by estimate), reserved {}, possible {}, unpriced {}",
                           dollars(total), dollars(money.by_estimate_micro_usd),
                           dollars(money.reserved_micro_usd), dollars(money.possible_micro_usd),
                           money.unpriced);
    };
    found.add("money_of_attempts", "it says {}; its submits say {}",
              text(*job.money, job.cost_micro_usd.value_or(0)), text(sums, cost));
}

void check_files(const Job& job, Findings& found) {
    for (const InputFile& file : job.files) {
        found.require(!file.field.empty() && file.path.starts_with('/'), "file_has_place",
                      "a file of its input has no field or no absolute path");
        found.require(file.url.empty() || is_sha256(file.sha256), "url_of_known_file",
                      "a file of its input has a URL and no SHA-256");
        found.require(job.state != State::submitting || !file.url.empty(), "submits_with_urls",
                      "it is being submitted, and a file of its input has no URL");
    }
    const bool uploading = job.state == State::scheduled && job.reason == Reason::upload;
    found.require(!uploading || !job.files.empty(), "uploads_a_file",
                  "its files are being uploaded, and it has none");
}

// What the submitter's files were never changes; their URLs may.
bool same_files(const std::vector<InputFile>& before, const std::vector<InputFile>& after) {
    return std::equal(before.begin(), before.end(), after.begin(), after.end(),
                      [](const InputFile& a, const InputFile& b) {
                          return a.field == b.field && a.path == b.path && a.bytes == b.bytes &&
                                 a.modified_ns == b.modified_ns &&
                                 a.content_type == b.content_type && a.fresh == b.fresh &&
                                 a.as_data_uri == b.as_data_uri;
                      });
}

void check_reason(const Job& job, Findings& found) {
    switch (job.state) {
        case State::held:
        case State::scheduled:
        case State::submit_unknown:
            found.require(job.reason != Reason::none, "says_why",
                          "it waits for something and does not say for what");
            break;
        case State::failed:
            found.require(job.reason != Reason::none && job.error, "says_why",
                          "it failed and does not say why");
            break;
        case State::cancelled:
            found.require(job.reason != Reason::before_submit || job.billable_attempts == 0,
                          "free_cancel_is_free",
                          "it is called cancelled for free and may be billed");
            break;
        case State::completed:
            found.require(!job.error && job.reason == Reason::none, "completed_without_error",
                          "it is completed with an error");
            break;
        case State::blocked:
        case State::queued:
        case State::submitting:
        case State::submitted:
        case State::running:
        case State::fetching: break;
    }
}

const Attempt* attempt_with(std::span<const Attempt> attempts, const RequestId& request) {
    for (const Attempt& attempt : attempts) {
        if (attempt.remote && attempt.remote->request_id == request) return &attempt;
    }
    return nullptr;
}

void check_numbers(const Job& job, std::span<const Attempt> attempts, Findings& found) {
    int number = 0;
    std::set<std::string> requests;
    for (const Attempt& attempt : attempts) {
        if (attempt.number != ++number) {
            found.add("attempts_without_gap", "attempt {} stands where {} should", attempt.number,
                      number);
            number = attempt.number;
        }
        if (attempt.provider != job.provider) {
            found.add("attempts_at_provider", "attempt {} is of {}, the job of {}", attempt.number,
                      attempt.provider, job.provider);
        }
        if (attempt.remote && !requests.insert(attempt.remote->request_id.str()).second) {
            found.add("request_of_one_attempt", "two attempts have the request {}",
                      attempt.remote->request_id.str());
        }
    }
    if (number != job.attempt && !only_fetches(job)) {
        found.add("attempt_of_every_submit", "{} submits were begun, and {} attempts are there",
                  job.attempt, number);
    }
}

std::string_view text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    const json::string* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string_view() : std::string_view(*text);
}

void check_order(const Job& job, std::span<const AuditEntry> trail, Findings& found) {
    std::int64_t number = 0;
    std::optional<State> state;
    for (const AuditEntry& entry : trail) {
        if (entry.number != ++number) {
            found.add("trail_without_gap", "event {} stands where {} should", entry.number, number);
            number = entry.number;
        }
        const auto name = [](const std::optional<State>& one) {
            return one ? to_string(*one) : std::string_view("nothing");
        };
        if (entry.from != state) {
            found.add("trail_joins", "event {} starts from {}, the one before ended at {}",
                      entry.number, name(entry.from), name(state));
        }
        if (state && is_terminal(*state) && entry.to != *state) {
            found.add("ended_stays_ended", "event {} leaves {} for {}", entry.number, name(state),
                      name(entry.to));
        }
        state = entry.to;
    }
    found.require(trail.front().event == "created" &&
                      text_of(trail.front().patch, "id") == job.request.id.str(),
                  "trail_begins", "its trail does not begin with its creation");
}

void check_fold(const Job& job, std::span<const AuditEntry> trail, Findings& found) {
    json::object folded;
    for (const AuditEntry& entry : trail) fold_audit(folded, entry.patch);
    const json::object row = to_audit(job);
    if (folded == row) return;
    std::string fields;
    for (const auto& member : diff_audit(folded, row)) {
        const json::value* told = folded.if_contains(member.key());
        fields += fmt::format("{}{} is {} and the trail says {}", fields.empty() ? "" : "; ",
                              std::string_view(member.key()), canonical_json(member.value()),
                              told == nullptr ? "nothing" : canonical_json(*told));
    }
    found.add("trail_gives_row", "{}", fields.empty() ? "the trail tells of more fields" : fields);
}

// A request that the job does not follow is no field of its row: the note of its own event names it.
bool told_aside(const Attempt& attempt, std::span<const AuditEntry> trail) {
    return attempt.outcome == "also_billed" &&
           std::any_of(trail.begin(), trail.end(), [&](const AuditEntry& entry) {
               return entry.event == "also_billed" &&
                      entry.note.find(attempt.remote->request_id.str()) != std::string::npos;
           });
}

// Submits that the trail tells of are there, and no others.
void check_told_attempts(const Job& job, std::span<const Attempt> attempts,
                         std::span<const AuditEntry> trail, Findings& found) {
    std::set<std::int64_t> begun;
    std::set<std::string_view> requests;
    for (const AuditEntry& entry : trail) {
        const auto number = find_int(entry.patch, "attempt");
        const bool submits = entry.to == State::submitting && number;
        if (submits) begun.insert(*number);
        const bool missing = submits && std::none_of(attempts.begin(), attempts.end(),
                                                     [&](const Attempt& a) {
                                                         return a.number == *number;
                                                     });
        if (missing) {
            found.add("attempt_of_every_submit",
                      "event {} began attempt {}, of which there is no row", entry.number, *number);
        }
        const std::string_view request = text_of(entry.patch, "request_id");
        if (request.empty()) continue;
        requests.insert(request);
        const bool taken = entry.event == "submit_accepted" || entry.event == "adopted";
        if (taken && attempt_with(attempts, RequestId(std::string(request))) == nullptr) {
            found.add("request_of_attempt", "event {} tells of the request {}, which no attempt has",
                      entry.number, request);
        }
    }
    for (const Attempt& attempt : attempts) {
        if (!begun.contains(attempt.number)) {
            found.add("attempt_is_told", "the trail does not tell of attempt {}", attempt.number);
        }
        if (attempt.remote && !requests.contains(attempt.remote->request_id.str()) &&
            !told_aside(attempt, trail)) {
            found.add("request_is_told", "the trail does not tell of the request {} of attempt {}",
                      attempt.remote->request_id.str(), attempt.number);
        }
    }
    const bool released = std::any_of(trail.begin(), trail.end(), [](const AuditEntry& entry) {
        return entry.event == "release_requested";
    });
    if (job.billable_attempts > job.request.max_attempts && !released) {
        found.add("billable_within_limit",
                  "{} submits may be billed, {} are allowed, and nobody decided so",
                  job.billable_attempts, job.request.max_attempts);
    }
}

}  // namespace

bool only_fetches(const Job& job) {
    return job.retry_of && !job.outputs.empty() && job.billable_attempts == 0;
}

Violations check_row(const Job& job) {
    Findings found;
    check_money(job, found);
    check_times(job, found);
    check_submits(job, found);
    check_outputs(job, found);
    check_files(job, found);
    check_reason(job, found);
    return found.take();
}

Violations check_step(const Job& before, const Job& after) {
    Findings found;
    found.require(!is_terminal(before.state) || after.state == before.state, "ended_stays_ended",
                  "it was over and is not any more");
    found.require(before.request == after.request && before.provider == after.provider &&
                      before.created_at == after.created_at && before.retry_of == after.retry_of,
                  "request_never_changes", "what was asked for has changed");
    found.require(same_files(before.files, after.files), "files_never_change",
                  "the files that were asked for have changed");
    const bool begins = after.state == State::submitting && before.state != State::submitting;
    found.require(after.attempt == before.attempt + (begins ? 1 : 0), "one_intent_per_submit",
                  "attempts and submits do not keep step");
    found.require(!begins || before.state == State::queued, "submits_from_the_queue",
                  "a submit begins outside the queue");
    const int billed = after.billable_attempts - before.billable_attempts;
    const bool proven = before.state == State::submit_unknown && billed == -1;
    found.require(billed == 0 || billed == 1 || proven, "bill_moves_by_one",
                  "what may be billed jumps");
    found.require(!before.submitted_at || after.submitted_at == before.submitted_at,
                  "submitted_at_stays", "the time of the first submit has changed");
    for (const Output& output : before.outputs) {
        if (!output.stored) continue;
        const bool kept = std::find(after.outputs.begin(), after.outputs.end(), output) !=
                          after.outputs.end();
        if (!kept) found.add("stored_stays", "stored output {} has changed", output.index);
    }
    return found.take();
}

Violations check_attempts(const Job& job, std::span<const Attempt> attempts) {
    Findings found;
    check_numbers(job, attempts, found);
    check_sums(job, attempts, found);
    const Attempt* newest = attempts.empty() ? nullptr : &attempts.back();
    if (job.state == State::submitting || job.state == State::submit_unknown) {
        const std::string_view expected =
            job.state == State::submitting ? "intent" : "unknown";
        if (newest == nullptr || newest->outcome != expected) {
            found.add("attempt_fits_state", "it is {}, and its newest attempt is {}",
                      to_string(job.state), newest == nullptr ? "not there" : newest->outcome);
        }
    }
    if (job.state == State::submitting && newest != nullptr) {
        const std::string sent =
            job.files.empty() ? std::string() : with_urls(job.request.input, job.files);
        found.require(newest->input == sent, "sends_its_input",
                      "what is sent is not the input with the files' URLs in it");
    }
    const bool result = job.state == State::fetching || job.state == State::completed;
    if (!is_at_provider(job.state) && !(result && !only_fetches(job))) return found.take();
    const Attempt* followed =
        job.remote ? attempt_with(attempts, job.remote->request_id) : nullptr;
    if (followed == nullptr) {
        found.add("request_of_attempt", "no attempt has the request that is followed");
    } else if (result && followed->outcome != "completed") {
        found.add("attempt_fits_state", "its result is known, and attempt {} is {}",
                  followed->number, followed->outcome);
    }
    return found.take();
}

Violations check_trail(const Job& job, std::span<const Attempt> attempts,
                       std::span<const AuditEntry> trail) {
    Findings found;
    if (trail.empty()) {
        found.add("trail_begins", "it has no trail");
        return found.take();
    }
    check_order(job, trail, found);
    check_fold(job, trail, found);
    check_told_attempts(job, attempts, trail, found);
    return found.take();
}

}  // namespace reeld::domain
