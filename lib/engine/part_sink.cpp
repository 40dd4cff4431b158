#include "engine/part_sink.hpp"

#include <fmt/format.h>

#include "base/crash_point.hpp"
#include "engine/fetch_policy.hpp"

namespace reeld::engine {
namespace {

using domain::event::FetchFailed;
using domain::event::FetchProblem;

constexpr std::uint64_t drained_max = 64 * 1024;
constexpr std::uint64_t disk_check_every = 16 * 1024 * 1024;
// A server that trickles less than this in a whole stall time has stalled.
constexpr std::uint64_t pace_bytes_min = 1024;

}  // namespace

Status check_room(runtime::FileSystem& files, const std::string& folder,
                  std::uint64_t still_to_come, std::uint64_t reserve) {
    const auto free = files.free_bytes(folder);
    if (!free) return free.error();
    if (*free >= reserve && *free - reserve >= still_to_come) return ok();
    return Error(
        ErrorCode::disk_full,
        fmt::format("no room on the disk: {} are free, {} are to come and {} stay reserved",
                    format_size(*free), format_size(still_to_come), format_size(reserve)));
}

PartSink::PartSink(PartFile& part, SinkLimits limits, bool ranged, runtime::Clock& clock,
                   runtime::FileSystem& files)
    : part_(part), limits_(std::move(limits)), ranged_(ranged), clock_(clock), files_(files) {}

Status PartSink::begin(const HttpResponse& head) {
    head_ = head;
    window_begin_ = clock_.monotonic();
    if (is_redirect(head.status)) {
        answer_ = FetchAnswer::redirect;
        return ok();
    }
    crash_point::pass(CrashPoint::fetch_head_read);
    if (head.status == 200) return begin_whole(head);
    if (head.status == 206 && ranged_) return begin_rest(head);
    if (head.status == 416 && ranged_) {
        read_unsatisfied(head);
        return ok();
    }
    answer_ = FetchAnswer::problem;
    problem_ = problem_of_status(head, clock_.now());
    return ok();
}

// Also the answer of a server that ignores Range, and of one whose file has changed since.
Status PartSink::begin_whole(const HttpResponse& head) {
    const auto total = read_content_length(head.headers);
    if (const auto admitted = admit(total); !admitted) return admitted;
    if (const auto emptied = part_.restart(read_validator(head.headers), total); !emptied) {
        return fail_disk(emptied.error());
    }
    answer_ = FetchAnswer::body;
    return check_disk(total.value_or(limits_.expected_bytes.value_or(0)));
}

Status PartSink::begin_rest(const HttpResponse& head) {
    const auto range = read_content_range(head.headers);
    const std::string validator = read_validator(head.headers);
    const bool fits = range && !range->unsatisfied && range->first == part_.bytes() &&
                      (!range->total || !part_.total() || *range->total == *part_.total()) &&
                      (validator.empty() || validator == part_.validator());
    if (!fits) {
        answer_ = FetchAnswer::restart;
        return Error(ErrorCode::corrupt, "the server continues another file, or elsewhere");
    }
    if (const auto admitted = admit(range->total); !admitted) return admitted;
    answer_ = FetchAnswer::body;
    return check_disk(range->last - range->first + 1);
}

void PartSink::read_unsatisfied(const HttpResponse& head) {
    const auto range = read_content_range(head.headers);
    const bool whole = range && range->unsatisfied && range->total == part_.bytes();
    answer_ = whole ? FetchAnswer::whole : FetchAnswer::restart;
}

// Refuses by size before the first byte is written.
Status PartSink::admit(std::optional<std::uint64_t> total) {
    if (!total) return ok();
    if (*total > limits_.max_bytes) {
        return fail(Error(ErrorCode::too_large,
                          fmt::format("the file has {}; downloads.max_bytes allows {}",
                                      format_size(*total), format_size(limits_.max_bytes))));
    }
    if (limits_.taken_bytes && *limits_.taken_bytes != *total) {
        return fail(FetchProblem::retry, "path_taken",
                    Error(ErrorCode::conflict, "another file stands under the planned name"));
    }
    return ok();
}

Status PartSink::check_disk(std::uint64_t still_to_come) {
    disk_checked_at_ = part_.bytes();
    const auto room = check_room(files_, limits_.folder, still_to_come, limits_.disk_reserve_bytes);
    return room ? ok() : fail_disk(room.error());
}

Status PartSink::write(std::string_view bytes) {
    if (answer_ != FetchAnswer::body) {
        drained_ += bytes.size();
        if (drained_ <= drained_max) return ok();
        return Error(ErrorCode::too_large, "a long answer in place of the file");
    }
    if (bytes.size() > limits_.max_bytes - std::min(part_.bytes(), limits_.max_bytes)) {
        return fail(Error(ErrorCode::too_large,
                          fmt::format("the file is larger than downloads.max_bytes allows: {}",
                                      format_size(limits_.max_bytes))));
    }
    if (const auto written = part_.append(bytes); !written) return fail_disk(written.error());
    if (part_.bytes() - disk_checked_at_ >= disk_check_every) {
        if (const auto room = check_disk(0); !room) return room;
    }
    return check_pace(bytes.size());
}

Status PartSink::check_pace(std::size_t bytes) {
    const Millis now = clock_.monotonic();
    window_bytes_ += bytes;
    if (part_.total() == part_.bytes()) return ok();
    if (now >= limits_.ends) {
        return fail(Error(ErrorCode::timeout, "the download took longer than it may"));
    }
    if (now - window_begin_ < limits_.stall_timeout) return ok();
    if (window_bytes_ < pace_bytes_min) {
        return fail(Error(ErrorCode::timeout,
                          fmt::format("the server stalled: {} bytes in {}", window_bytes_,
                                      format_duration(now - window_begin_))));
    }
    window_begin_ = now;
    window_bytes_ = 0;
    return ok();
}

Status PartSink::fail(FetchProblem problem, std::string code, Error error) {
    FetchFailed event;
    event.problem = problem;
    event.error.code = std::move(code);
    event.error.message = error.message();
    problem_ = std::move(event);
    answer_ = FetchAnswer::problem;
    return error;
}

Status PartSink::fail(const Error& error) {
    problem_ = problem_of_error(error);
    answer_ = FetchAnswer::problem;
    return error;
}

Status PartSink::fail_disk(const Error& error) {
    problem_ = problem_of_disk(error);
    answer_ = FetchAnswer::problem;
    return error;
}

}  // namespace reeld::engine
