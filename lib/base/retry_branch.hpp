#pragma once
// Every branch that tries something again, or goes on after something failed. Each has a name and the
// tests in which it must be seen to run: a retry that never ran is no retry. Nothing observes a daemon
// at work: a branch costs it one load.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reeld {

// room, step, where it is shown, and what is tried again or goes on. A new retry gets a line here
// and a taken() in its branch.
#define REELD_RETRY_BRANCHES(X)                                                                   \
    X(store, goes_on_reading, engine, "somebody else writes: reads go on, writes fail at once")   \
    X(store, writes_again, engine, "the other writer has gone")                                   \
    X(store, change_undone, engine, "one change failed, the group goes on without it")            \
    X(store, group_lost, store, "SQLite gave up the whole group, whose owners begin anew")        \
    X(store, commit_failed, failures, "nothing of a group was kept, whose owners begin anew")     \
    X(store, checkpoint_failed, failures, "the log grows until the next checkpoint")              \
    X(store, log_stuck, store, "a reader keeps the log long: cut at a later checkpoint")          \
    X(inbox, busy, nights, "somebody writes there: looked at again in a moment, then later")      \
    X(inbox, unreadable, failures, "the file or its disk refuses: looked at again in seconds")    \
    X(inbox, row_waits, engine, "a row could not be copied: those behind it are not kept up")     \
    X(inbox, refusal_waits, nights, "a refusal could not be written: with the next look")         \
    X(inbox, removal_waits, nights, "rows whose jobs are durable stay: the same by their ids")    \
    X(inbox, opened_anew, failures, "after any failure the file is opened anew")                  \
    X(inbox, replaced, store, "another file has the path: that one is opened")                    \
    X(start, copy_asked_again, engine, "whether the database is a copy must be known first")      \
    X(start, taken_up_later, engine, "interrupted operations wait for their owner timers")        \
    X(news, written_again, failures, "what the outside said is offered until it is durable")      \
    X(news, refused_by_rule, engine, "a rule refuses the news: the owner timer asks again")       \
    X(dispatch, round_again, failures, "queued jobs could not be started: in a second")           \
    X(dispatch, next_provider, engine, "one provider's part failed, the others have theirs")      \
    X(dispatch, disk_low, nights, "no job is begun until there is room")                          \
    X(timers, round_again, failures, "owner timers could not be served: in a second")             \
    X(timers, pushed_back, engine, "one job's timer could not be served: the others are")         \
    X(clock, moved_again, failures, "moved waits were not kept: they are moved again")            \
    X(submit, slowed_down, nights, "429: back in the queue, the whole account slows down")        \
    X(submit, refused, nights, "refused this time, 5xx and the like: another submit after a wait")\
    X(submit, account_refused, nights, "401 or 403: held until the account works again")          \
    X(submit, not_sent, nights, "no byte has left: another submit after a wait")                  \
    X(submit, unanswered, nights, "no answer in time: evidence is searched for")                  \
    X(submit, reset, nights, "the connection broke: evidence is searched for")                    \
    X(submit, garbled, nights, "no usable answer: evidence is searched for")                      \
    X(submit, interrupted, engine, "the daemon ended meanwhile: evidence is searched for")        \
    X(upload, again, engine, "an upload failed: the job waits and tries again")                   \
    X(upload, account_refused, engine, "401 or 403 on an upload: held until the account works")   \
    X(upload, taken_up, engine, "an upload that nobody works at is begun or gone on with")        \
    X(upload, url_expired, engine, "a file's URL has no life left: it is uploaded once more")     \
    X(upload, continued, engine, "the parts that arrived before stay: the next one follows")      \
    X(upload, ticket_refused, engine, "the place for the bytes is no use: a new one is asked for")\
    X(upload, joined, engine, "another job uploads the same file: its URL is waited for")         \
    X(attempt, again, nights, "ended without a result: another attempt, while there are any")     \
    X(gate, slowed_down, nights, "no submit to this account before a time")                       \
    X(gate, paused, nights, "no submit to this account until it works again")                     \
    X(gate, probed, nights, "one job tries a paused account")                                     \
    X(gate, resumed, nights, "the account works again")                                           \
    X(gate, jobs_released, nights, "a job that was held for its account is queued again")         \
    X(gate, not_written, engine, "that a read went well is not kept: the next one tells")         \
    X(keys, unreachable, nights, "the key could not be tried: again later")                       \
    X(keys, refused, nights, "the key is refused: tried again later, and after a reload")         \
    X(keys, stays_paused, engine, "an accepted key resumes nothing yet: a probe will")            \
    X(search, found_by_webhook, nights, "a delivery names the request of a lost answer")          \
    X(search, found_in_history, nights, "the history names the request of a lost answer")         \
    X(search, found_by_header, nights, "the broken answer's head named the request")              \
    X(search, found_by_person, engine, "a person names the request of a lost answer")             \
    X(search, asked_again, nights, "the provider could not be asked: after a wait")               \
    X(search, looked_again, nights, "nothing found yet, the wait is not over: later again")       \
    X(search, clock_read_anew, nights, "the clocks differ: the history is read once more")        \
    X(search, submitted_again, nights, "nothing was found: the policy submits again")             \
    X(search, person_asked, nights, "a person decides, the searches go on")                       \
    X(search, goes_on, nights, "an undecided job is searched for once an hour")                   \
    X(poll, asked_again, nights, "the provider did not tell: after a wait")                       \
    X(poll, missing_again, nights, "the provider does not know the request: after a wait")        \
    X(poll, person_asked, engine, "the provider forgot the request: a person decides")            \
    X(poll, found_again, engine, "a forgotten request shows up: it is followed")                  \
    X(result, asked_again, nights, "the result could not be read: after a wait")                  \
    X(result, missing_again, nights, "the result is not known: after a wait")                     \
    X(result, not_ready, nights, "asked too early: polls go on")                                  \
    X(cancel, repeated, nights, "a wish to cancel goes out again with each poll")                 \
    X(webhook, not_stored, failures, "answered 503: the provider delivers it again")              \
    X(webhook, waits_for_keys, nights, "a delivery is kept until the keys that sign are here")    \
    X(webhook, keys_not_fetched, nights, "the keys could not be fetched: again later")            \
    X(webhook, sent_back, engine, "too large to be kept: to be delivered again")                  \
    X(webhook, read_again, nights, "a kept delivery is read once more with newer keys")           \
    X(webhook, reading_waits, nights, "a kept delivery cannot be judged yet: a minute later")     \
    X(fetch, cut_short, nights, "the file broke off: continued after a wait")                     \
    X(fetch, stalled, nights, "the server stalled: continued after a wait")                       \
    X(fetch, unreachable, nights, "nothing came: asked for again after a wait")                   \
    X(fetch, server_error, nights, "an error in place of the file: after a wait")                 \
    X(fetch, wrong_size, nights, "not as long as announced: fetched anew after a wait")           \
    X(fetch, bad_media, engine, "not the media it should be: fetched anew after a wait")          \
    X(fetch, bad_redirect, engine, "redirects that lead nowhere: after a wait")                   \
    X(fetch, link_expired, nights, "the file is gone: the result is read again for its address")  \
    X(fetch, link_renewed, nights, "the result names a new address")                              \
    X(fetch, disk_full, nights, "no room: again in half a minute")                                \
    X(fetch, disk_refuses, failures, "the disk refuses: again in half a minute")                  \
    X(fetch, plan_not_kept, failures, "a path could not be written down: after a wait")           \
    X(fetch, path_taken, engine, "a stranger's file has the name: another one at once")           \
    X(fetch, path_taken_again, engine, "that name was taken as well: after a wait")               \
    X(fetch, continued, nights, "only the rest of the file is asked for")                         \
    X(fetch, begun_anew, download, "the rest does not fit: the whole file, at once")              \
    X(fetch, part_distrusted, download, "a part is not what its note says: emptied")              \
    X(fetch, found_stored, download, "a fetch that the database does not know had ended")         \
    X(fetch, found_same, download, "the very file has the name already")                          \
    X(fetch, not_noted, download, "a part without a note: it is not continued")                   \
    X(fetch, removal_owed, engine, "a file that nobody needs stays: removed in a minute")         \
    X(fetch, removed_later, engine, "an owed removal was done")                                   \
    X(fetch, sweep_skipped, engine, "nobody knows the owners: swept at the next start")           \
    X(outputs, unwritable, failures, "nothing can be written there: tried every minute")          \
    X(publish, linked, download, "no exclusive rename here: a hard link instead")                 \
    X(publish, flush_owed, failures, "a folder's entries are not durable: with the next flush")   \
    X(retention, later, engine, "nothing is removed: tried again in a minute")                    \
    X(retention, cut_back, engine, "an export was not flushed: taken back, written anew")         \
    X(retention, line_mended, engine, "an export ended within a line: that line is taken back")   \
    X(retention, news_came, engine, "something came during the export: with the next round")      \
    X(backup, failed, engine, "no backup was made, nothing of it stays")                          \
    X(backup, half_undone, engine, "the database's copy failed: the inbox's goes as well")        \
    X(accept, refused, http, "a connection cannot be accepted: again in a moment")                \
    X(accept, place_made, http, "too many connections: the oldest silent one goes")               \
    X(names, asked_again, http, "a name that was not found is asked for anew")                    \
    X(connect, next_address, http, "an address does not answer: the name's next one")             \
    X(pool, replaced, http, "a kept connection has ended: another one")                           \
    X(exchange, read_on, http, "the request did not go out whole: its answer is read all the same")

namespace retry_branch {

// Of the simulation two tests, of the unit tests whole programs.
enum class Shown : std::uint8_t { nights, failures, engine, download, store, http };

}  // namespace retry_branch

enum class RetryBranch : std::uint8_t {
#define REELD_RETRY_BRANCH(room, step, shown, meaning) room##_##step,
    REELD_RETRY_BRANCHES(REELD_RETRY_BRANCH)
#undef REELD_RETRY_BRANCH
};

namespace retry_branch {

struct Description {
    RetryBranch branch;
    std::string_view name;  // "submit.not_sent"
    Shown shown;
    std::string_view meaning;
};

// In the order of the enumeration.
inline constexpr std::array all{
#define REELD_RETRY_BRANCH(room, step, shown, meaning) \
    Description{RetryBranch::room##_##step, #room "." #step, Shown::shown, meaning},
    REELD_RETRY_BRANCHES(REELD_RETRY_BRANCH)
#undef REELD_RETRY_BRANCH
};

class Observer {
  public:
    virtual ~Observer() = default;
    // In the middle of the branch, on whatever thread it runs.
    virtual void took(RetryBranch branch) = 0;
};

// For tests. An observer must outlive every branch that may have seen it.
inline std::atomic<Observer*> current_observer{nullptr};

inline void set_observer(Observer* observer) {
    current_observer.store(observer, std::memory_order_release);
}

inline void taken(RetryBranch branch) {
    Observer* observer = current_observer.load(std::memory_order_acquire);
    if (observer != nullptr) [[unlikely]] observer->took(branch);
}

}  // namespace retry_branch
}  // namespace reeld
