#pragma once
// Where log records go: the journal with its own fields when systemd runs us, else lines on stderr.
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/time.hpp"
#include "runtime/clock.hpp"

namespace reeld::daemon {

// The clock must outlive the sink.
log::Sink make_log_sink(const runtime::Clock& clock);

// 2026-11-21T08:00:00.000Z info engine: message job=j1 note="two words"
// One line whatever stands in the texts: control characters and broken UTF-8 come out as \n, \x1b.
std::string log_line(const log::Record& record, Instant at);

// "MESSAGE=…", "PRIORITY=6", "REELD_COMPONENT=engine", "REELD_JOB=j1" …
std::vector<std::string> journal_fields(const log::Record& record);

}  // namespace reeld::daemon
