#pragma once
// Takes the answer to one request for a file: reads the head, lets the body grow the part.
#include <optional>
#include <string>

#include "domain/event.hpp"
#include "engine/part_file.hpp"
#include "http/client.hpp"
#include "runtime/clock.hpp"

namespace reeld::engine {

struct SinkLimits {
    std::uint64_t max_bytes = 0;
    std::uint64_t disk_reserve_bytes = 0;
    std::string folder;                           // whose disk is watched
    std::optional<std::uint64_t> expected_bytes;  // the provider's word
    std::optional<std::uint64_t> taken_bytes;     // size of what already stands under the target
    Millis stall_timeout{0};
    Millis ends{0};  // monotonic: the fetch's last moment
};

// What the head turned out to be.
enum class FetchAnswer {
    none,  // no head came
    body,  // the file, from its begin or from where the part ends
    redirect,
    whole,    // nothing is missing: the part is the file
    restart,  // the part cannot be continued; ask for the whole file
    problem,  // see problem()
};

class PartSink final : public http::BodySink {
  public:
    PartSink(PartFile& part, SinkLimits limits, bool ranged, runtime::Clock& clock,
             runtime::FileSystem& files);

    Status begin(const HttpResponse& head) override;
    Status write(std::string_view bytes) override;

    FetchAnswer answer() const { return answer_; }
    const HttpResponse& head() const { return head_; }
    // Why the sink ended the exchange, or what the status means.
    const std::optional<domain::event::FetchFailed>& problem() const { return problem_; }

  private:
    Status begin_whole(const HttpResponse& head);
    Status begin_rest(const HttpResponse& head);
    void read_unsatisfied(const HttpResponse& head);
    Status admit(std::optional<std::uint64_t> total);
    Status check_disk(std::uint64_t still_to_come);
    Status check_pace(std::size_t bytes);
    Status fail(domain::event::FetchProblem problem, std::string code, Error error);
    Status fail(const Error& error);
    Status fail_disk(const Error& error);

    PartFile& part_;
    SinkLimits limits_;
    bool ranged_;
    runtime::Clock& clock_;
    runtime::FileSystem& files_;
    FetchAnswer answer_ = FetchAnswer::none;
    HttpResponse head_;
    std::optional<domain::event::FetchFailed> problem_;
    std::uint64_t drained_ = 0;
    std::uint64_t disk_checked_at_ = 0;
    Millis window_begin_{0};
    std::uint64_t window_bytes_ = 0;
};

// "no room": what is free must hold what is still to come and leave the reserve.
Status check_room(runtime::FileSystem& files, const std::string& folder,
                  std::uint64_t still_to_come, std::uint64_t reserve);

}  // namespace reeld::engine
