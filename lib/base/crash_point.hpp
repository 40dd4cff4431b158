#pragma once
// Every place where the process may die between two effects that outlive it: a durable write, a
// rename, a removal, a flush, a request, an answer. Each has a name, so that a test can let the
// process die at each of them. Nothing observes a daemon at work: a passage costs it one branch.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reeld {

// room, step, and what the world looks like to whoever starts next. A new durable or outside effect
// gets a line here and a pass() behind it.
#define REELD_CRASH_POINTS(X)                                                                     \
    X(opening, locked, "the instance lock is held, there may be no database file yet")            \
    X(opening, file_made, "the database file has its mode, an empty one has no schema")           \
    X(opening, wal_mode_set, "the journal mode is settled, the schema is missing or old")        \
    X(migration, step_written, "a schema step is complete in its open transaction")               \
    X(migration, step_committed, "one schema step is durable, later ones are not begun")          \
    X(inbox, file_made, "the inbox is an empty file")                                             \
    X(inbox, table_made, "the inbox has its table, its journal mode is not settled")              \
    X(inbox, ids_given, "dropped rows have their ids, no job has been made of them")              \
    X(inbox, row_copied, "a row's job stands in the open group, its row in the inbox")            \
    X(inbox, error_written, "a refusal stands in the inbox's open transaction")                   \
    X(inbox, row_refused, "a refusal is durable in its row")                                      \
    X(inbox, jobs_durable, "the rows' jobs are durable, the rows are still there")                \
    X(inbox, delete_written, "the rows' removal stands in the inbox's open transaction")          \
    X(inbox, rows_deleted, "the rows are gone, their jobs wait")                                  \
    X(store, commit_begins, "a group of changes is complete, nothing of it is durable")           \
    X(store, committed, "a group is durable, nobody who waits for it knows")                      \
    X(store, pages_moved, "a checkpoint has moved pages, the log is as long as before")           \
    X(store, wal_cut, "the write-ahead log is cut to nothing")                                    \
    X(start, leftovers_named, "interrupted submits are named in the open group")                  \
    X(sweep, part_removed, "one file of those that nobody owns is gone")                          \
    X(outputs_check, file_written, "the file that tries the outputs folder stands in it")         \
    X(key_check, request_leaves, "the key is about to be tried")                                  \
    X(key_check, answer_read, "the provider's word on the key is known nowhere else")             \
    X(webhook_keys, answer_read, "the keys that sign deliveries are known in memory only")        \
    X(dispatch, intents_written, "intents stand in the open group, their slots are taken")        \
    X(submit, intent_durable, "the intent and its token are durable, no request has left")        \
    X(submit, request_leaves, "the request is built and about to leave")                          \
    X(submit, answer_read, "the provider's answer to a submit is known nowhere else")             \
    X(submit, outcome_durable, "the submit's outcome is durable, nothing has followed it")        \
    X(upload, file_read, "a file's hash is known in memory only")                                  \
    X(upload, start_leaves, "a place for a file is about to be asked for")                        \
    X(upload, ticket_read, "the place for a file's bytes is known in memory only")                \
    X(upload, ticket_durable, "the place for a file's bytes is durable, none has left")           \
    X(upload, part_leaves, "a file's bytes are about to leave")                                   \
    X(upload, part_read, "some of a file or all is there, nobody wrote it down")                  \
    X(upload, part_durable, "that a part has arrived is durable")                                 \
    X(upload, end_read, "a file in parts is joined or not, nobody wrote it down")                 \
    X(upload, outcome_durable, "the outcome of one file's upload is durable")                     \
    X(poll, request_leaves, "a request's status is about to be asked")                            \
    X(poll, answer_read, "a status is known in memory only")                                      \
    X(poll, gate_durable, "a paused provider is resumed, the status it told is not kept")         \
    X(poll, outcome_durable, "a status is durable, nothing has followed it")                      \
    X(result, request_leaves, "a result is about to be asked for")                                \
    X(result, answer_read, "a result is known in memory only")                                    \
    X(result, outcome_durable, "a result is durable, its files are not begun")                    \
    X(cancel, request_leaves, "the wish to cancel is durable, the provider does not know it")     \
    X(cancel, answer_read, "the provider has cancelled or not, nobody wrote it down")             \
    X(cancel, outcome_durable, "the answer to a cancel is durable")                               \
    X(search, status_asked, "the id that a lost answer's head told has been asked about")         \
    X(search, page_read, "a page of the provider's history is known in memory only")              \
    X(search, outcome_durable, "what the search found is durable, nothing has followed it")       \
    X(intake, jobs_written, "jobs of the socket stand in the open group")                         \
    X(intake, jobs_durable, "jobs of the socket are durable, the client has no answer")           \
    X(action, written, "a person's wish stands in the open group")                                \
    X(action, durable, "a person's wish is durable, nothing has followed it, no answer")          \
    X(retry, written, "a new job for an ended one stands in the open group")                      \
    X(retry, durable, "a new job for an ended one is durable, the client has no answer")          \
    X(read, durable, "what a reader is about to be shown is durable")                             \
    X(reload, gates_written, "a reload has resumed providers in the open group")                  \
    X(timers, fired, "what due timers decided stands in the open group")                          \
    X(timers, durable, "what due timers decided is durable, nothing has followed it")             \
    X(clock, waits_moved, "a set clock's waits are moved in the open group")                      \
    X(webhook, body_written, "a delivery and its effect stand in the open group")                 \
    X(webhook, body_durable, "a delivery is durable, the provider has no answer")                 \
    X(webhook, reread_written, "a stored delivery is understood in the open group")               \
    X(webhook, reread_durable, "a stored delivery is understood durably, nothing has followed it")\
    X(adopt, status_asked, "the provider's word on a request that a person named is not kept")    \
    X(adopt, lookup_asked, "what the history says of that request is not kept either")            \
    X(adopt, written, "a person's adoption stands in the open group")                             \
    X(adopt, durable, "a person's adoption is durable, nothing has followed it, no answer")       \
    X(fetch, folder_made, "an output's folder stands, no path in it is planned")                  \
    X(fetch, path_written, "an output's path stands in the open group")                           \
    X(fetch, path_durable, "an output's path is durable, no byte is written")                     \
    X(fetch, request_leaves, "a file is about to be asked for")                                   \
    X(fetch, head_read, "the head of a file's answer is read, the part is as before")             \
    X(fetch, body_read, "a file's last byte has arrived, nobody has looked at it")                \
    X(fetch, content_written, "a file that came with the answer stands in its part")              \
    X(fetch, published, "the file has its name, the database does not know it")                   \
    X(fetch, outcome_durable, "the end of one fetch is durable, nothing has followed it")         \
    X(fetch, file_forgotten, "one file of a job cancelled under the fetch is gone")               \
    X(part, opened, "a part exists, perhaps empty, and is not trusted yet")                       \
    X(part, cut_back, "a part has the length that its note vouches for")                          \
    X(part, note_dropped, "a part without a note: nothing vouches for its bytes")                 \
    X(part, emptied, "a part is empty again")                                                     \
    X(part, appended, "bytes stand in a part for which no note vouches")                          \
    X(part, noted, "a note vouches for the part's bytes")                                         \
    X(part, note_removed, "a discarded part has lost its note")                                   \
    X(part, discarded, "a part that was no good is gone, the database does not know it")          \
    X(publish, file_synced, "a part's bytes are durable under the part's name")                   \
    X(publish, linked, "a file has two names, on a file system without exclusive renames")        \
    X(publish, renamed, "a file has its name, the folder's entry is not durable")                 \
    X(publish, note_removed, "a file has its name, its note is gone, the folder is not flushed")  \
    X(publish, folder_synced, "one folder's entries are durable, nobody who waits knows")         \
    X(copy, file_made, "an unfinished copy is an empty file")                                     \
    X(copy, pages_written, "some pages or all stand in an unfinished copy, none is flushed")      \
    X(copy, log_left, "an unfinished copy has all pages and needs no log beside it")              \
    X(copy, marked, "an unfinished copy says that it is one, nobody has looked at it")            \
    X(backup, leftover_removed, "one file of an unfinished copy is gone")                         \
    X(backup, inbox_named, "the inbox's copy has its name, the database's copy has none")         \
    X(backup, inbox_taken_back, "the inbox's copy is gone again, for there is no other")          \
    X(backup, named, "a copy is whole and durable, whoever asked has no answer")                  \
    X(restored, held_written, "a copy's pending jobs are held in the open group")                 \
    X(restored, held_durable, "a copy's pending jobs are held, it is a copy no more")             \
    X(retention, folder_made, "the export's folder stands, its name perhaps not durable")         \
    X(retention, file_opened, "the export of the month exists, perhaps empty")                    \
    X(retention, torn_line_cut, "what a dead process left of a line is gone")                     \
    X(retention, lines_appended, "lines stand in the export, their records in the database")      \
    X(retention, lines_taken_back, "lines that could not be flushed are gone again")              \
    X(retention, lines_durable, "lines are durable, their records stand in the database")         \
    X(retention, removal_written, "the removal of exported records stands in the open group")     \
    X(retention, removal_durable, "exported records are gone")                                    \
    X(retention, evidence_pruned, "the removal of old evidence stands in the open group")         \
    X(retention, evidence_gone, "old evidence is gone, its hashes stay")                          \
    X(spool, piece_written, "more of a file for a job stands in the spool, not durable")          \
    X(spool, folder_made, "a file for a job is whole and its folder stands, it has no name")      \
    X(spool, published, "a file for a job is durable, whoever sent it has no answer")             \
    X(spool, file_removed, "a file that no job needs is gone, its folder is there")               \
    X(stop, begins, "no new submit begins, those in flight are over or out of time")              \
    X(stop, tasks_ended, "every task has ended, their last changes are not durable")              \
    X(stop, committed, "everything is durable, the process is about to end")

enum class CrashPoint : std::uint8_t {
#define REELD_CRASH_POINT(room, step, meaning) room##_##step,
    REELD_CRASH_POINTS(REELD_CRASH_POINT)
#undef REELD_CRASH_POINT
};

namespace crash_point {

struct Description {
    CrashPoint point;
    std::string_view name;  // "submit.intent_durable"
    std::string_view meaning;
};

// In the order of the enumeration.
inline constexpr std::array all{
#define REELD_CRASH_POINT(room, step, meaning) \
    Description{CrashPoint::room##_##step, #room "." #step, meaning},
    REELD_CRASH_POINTS(REELD_CRASH_POINT)
#undef REELD_CRASH_POINT
};

constexpr std::string_view name_of(CrashPoint point) {
    return all.at(static_cast<std::size_t>(point)).name;
}

class Observer {
  public:
    virtual ~Observer() = default;
    // In the middle of the passage, on whatever thread it happens.
    virtual void passed(CrashPoint point) = 0;
};

// For tests. An observer must outlive every passage that may have seen it.
void set_observer(Observer* observer);

inline std::atomic<Observer*> current_observer{nullptr};

inline void pass(CrashPoint point) {
    Observer* observer = current_observer.load(std::memory_order_acquire);
    if (observer != nullptr) [[unlikely]] observer->passed(point);
}

}  // namespace crash_point
}  // namespace reeld
