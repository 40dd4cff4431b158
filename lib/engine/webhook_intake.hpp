#pragma once
// POST /hooks/{provider}/{token}: stores the raw delivery, then lets it prove what it can.
#include <map>
#include <string>

#include "engine/job_tasks.hpp"
#include "http/server.hpp"

namespace reeld::engine {

class WebhookIntake : public http::Handler {
  public:
    WebhookIntake(Core& core, JobTasks& tasks) : core_(core), tasks_(tasks) {}

    awaitable<http::ServerResponse> handle(http::ServerRequest request) override;
    // Deliveries that were stored but not understood yet, for want of keys or by a crash.
    awaitable<void> process_stored();
    // Fetches the key sets ahead of the first delivery.
    awaitable<void> warm_up();

  private:
    struct Keys {
        provider_api::KeySet set;
        std::optional<Millis> fetched_at;  // monotonic
        std::optional<Millis> tried_at;
        std::optional<Instant> as_of;  // when the fetch that brought them began
    };
    // What a delivery did, inside one transaction.
    struct Processed {
        bool needs_keys = false;
        bool forged = false;
        std::vector<Written> written;
    };

    Keys& fresh_keys(const std::string& provider);
    awaitable<bool> fetch_keys(std::string provider);
    awaitable<void> learn_keys(std::string provider);
    bool keys_cover(const std::string& provider, Instant at);
    // One page of them: how many there were, and how many are done with.
    struct Page {
        std::size_t seen = 0;
        std::size_t done = 0;
        bool learned = false;
    };
    awaitable<Page> process_page();
    awaitable<bool> process_again(store::Evidence evidence, std::string provider);
    Processed process(store::Tx& tx, const domain::Attempt& attempt,
                      const provider_api::Delivery& delivery, std::int64_t evidence,
                      bool keys_are_final);
    void believe(store::Tx& tx, const domain::Attempt& attempt,
                 const provider_api::WebhookReading& reading, std::int64_t evidence,
                 Processed& processed);
    bool is_other_user(store::Tx& tx, const domain::Attempt& attempt,
                       const provider_api::WebhookReading& reading) const;
    void refuse(store::Tx& tx, const domain::Job& job, std::string why, std::int64_t evidence,
                Processed& processed);
    void follow(Processed processed);

    Core& core_;
    JobTasks& tasks_;
    std::map<std::string, Keys> keys_;
};

}  // namespace reeld::engine
