#pragma once
// Status streams: a faster poll. Where a provider has them, some of the jobs that it works on are
// listened to; what they tell goes through the same transition as a poll's answer. Polls go on all
// the while, so that a stream may end, lie still or be refused at any time.
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/core.hpp"
#include "engine/job_tasks.hpp"

namespace reeld::engine {

class StatusStreams {
  public:
    StatusStreams(Core& core, JobTasks& tasks) : core_(core), tasks_(tasks) {}

    // Listens to jobs as they come to a provider, for ever.
    awaitable<void> run();
    std::size_t active() const { return streams_.size(); }

  private:
    // One stream: its sink fills `news`, a task of its own takes them.
    struct Stream {
        Stream(JobId id, const domain::Job& row, const ProviderSetup& with,
               boost::asio::any_io_executor executor)
            : job(std::move(id)),
              provider(row.provider),
              request(row.remote->request_id),
              setup(with),
              bell(std::move(executor)) {}
        JobId job;
        std::string provider;
        RequestId request;
        ProviderSetup setup;
        runtime::Bell bell;
        std::optional<domain::event::StatusSeen> news;  // all since they were last taken
        bool wanted = true;     // false: nobody listens any more
        bool ended = false;     // nothing more comes
        bool completed = false;  // it told the request's end
        std::string outcome = "cut";
    };
    using StreamPtr = std::shared_ptr<Stream>;
    struct Quiet {  // a job whose stream ended early
        Millis until{0};
        int times = 0;
    };
    class Sink;

    void listen_to_more();
    void listen_at(const std::string& provider, const ProviderSetup& setup, std::size_t places);
    bool start(const domain::Job& job, const ProviderSetup& setup);
    awaitable<void> receive(StreamPtr stream, HttpRequest request);
    awaitable<void> take_news(StreamPtr stream);
    awaitable<void> take(StreamPtr stream, domain::event::StatusSeen news);
    awaitable<void> look_now(StreamPtr stream);
    void leave(const StreamPtr& stream);
    std::optional<domain::Job> followed(const Stream& stream) const;

    Core& core_;
    JobTasks& tasks_;
    std::map<JobId, StreamPtr> streams_;
    std::map<JobId, Quiet> quiet_;
};

}  // namespace reeld::engine
