#pragma once
// The decisive write: decide with transition(), then row, trail, attempt and evidence together.
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/core.hpp"

namespace reeld::engine {

struct Written {
    enum class Kind { stepped, ignored, rejected, missing };
    Kind kind = Kind::missing;
    domain::Job job;                       // as it is now
    std::vector<domain::Effect> effects;   // to be performed once durable
    std::string note;
};

// Applies one event inside the caller's transaction. `evidence` is stored when the event leaves a
// mark in the trail (or is `always` to be kept); a positive `evidence_id` refers to what is stored
// already. `who` is named in the trail's note: the person that asked for it.
// A request that is bound to another submit is never adopted, whatever shows it.
Written apply(Core& core, store::Tx& tx, const JobId& id, const domain::Event& event,
              std::optional<store::Evidence> evidence = std::nullopt,
              std::optional<std::int64_t> evidence_id = std::nullopt, std::string_view who = {});

// Inserts a new job with the first event of its trail.
store::InsertOutcome create(Core& core, store::Tx& tx, domain::Job& job, std::string note);

// "id" was completed on …: what the id of a removed record is answered with.
std::string retired_words(const store::RetiredJob& job);

// The lines of a provider's log that are new. The first of an attempt leaves a note in the trail.
void keep_logs(Core& core, store::Tx& tx, const domain::Job& job,
               const std::vector<domain::LogLine>& lines);

// An entry of the trail that changes nothing.
void note(Core& core, store::Tx& tx, const domain::Job& job, std::string event, std::string text,
          std::optional<std::int64_t> evidence = std::nullopt);

// Applies one event and waits until it is durable; tries again for as long as the disk refuses,
// because what the outside world has told is known nowhere else. Rings the bells that follow.
awaitable<Written> record(Core& core, JobId id, domain::Event event,
                          std::optional<store::Evidence> evidence);

// After a durable write: wakes the readers of the trail and the timers, logs an end.
void tell(Core& core, const Written& written);
// The same, and wakes the dispatcher when a slot or a job may have become free.
void announce(Core& core, const Written& written);

}  // namespace reeld::engine
