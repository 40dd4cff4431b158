#pragma once
// Brings the local files of a job to its provider before the job is submitted: each file once as long
// as its URL lives, in parts where it is large, and on from the next part after a crash.
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <variant>

#include "engine/input_reader.hpp"
#include "engine/upload_policy.hpp"

namespace reeld::engine {

class Uploader {
  public:
    explicit Uploader(Core& core) : core_(core), ended_(core.services.tasks.executor()) {}

    // Every file of the job that has no living URL, until the job is queued again or leaves. The
    // outcomes are durable when it returns.
    awaitable<void> upload(JobId id);

  private:
    using Key = std::tuple<std::string, std::string, std::string>;  // provider, sha256, type
    struct Flight {
        int waiting = 0;  // other jobs that want the same file
    };
    // One file on its way, with all that its steps need.
    struct Work {
        JobId job;
        std::string provider;
        ProviderSetup setup;
        domain::InputFile file;
        std::vector<domain::InputFile> others;  // all of the job
        std::string sha256;
        bool joined = false;                // another job's upload of it was waited for
        provider_api::UploadFile shown{};   // as the provider is told of it
    };
    struct Gone {};  // nobody wants it any more
    using Outcome = std::variant<domain::event::InputUploaded, domain::Refusal, Gone>;
    using Trouble = std::variant<domain::Refusal, Gone>;

    awaitable<Outcome> bring(Work& work);
    awaitable<Outcome> bring_alone(Work& work, const InputReader& reader);
    Outcome inline_file(const Work& work, const InputReader& reader);
    std::optional<domain::event::InputUploaded> reuse(const Work& work,
                                                      const store::StoredUpload& known) const;
    awaitable<bool> wait_for_turn(Work& work);
    static Key key_of(const Work& work);
    awaitable<Outcome> start_and_send(Work& work, const InputReader& reader,
                                      store::StoredUpload row);
    awaitable<std::variant<provider_api::UploadTicket, domain::Refusal>> begin(
        const Work& work, store::StoredUpload& row);
    awaitable<std::optional<Trouble>> send_parts(const Work& work, const InputReader& reader,
                                                 const provider_api::UploadTicket& ticket,
                                                 store::StoredUpload& row);
    awaitable<std::variant<std::string, domain::Refusal, Gone>> send_part(
        const Work& work, const InputReader& reader, const provider_api::UploadTicket& ticket,
        PartRange range, int number, const std::string& sha256);
    awaitable<std::optional<domain::Refusal>> join_parts(const Work& work,
                                                         const provider_api::UploadTicket& ticket,
                                                         const store::StoredUpload& row);
    awaitable<std::optional<domain::Refusal>> keep(store::StoredUpload row);
    domain::event::InputUploaded finish(const Work& work, const provider_api::UploadTicket& ticket,
                                        store::StoredUpload row);

    domain::event::InputUploaded there(const Work& work, const store::StoredUpload& row,
                                       std::string_view how) const;
    bool is_wanted(const JobId& id);
    bool is_wanted(const Work& work);
    std::optional<domain::Job> load(const JobId& id);
    http::RequestOptions storage_options(bool named) const;
    void count(const Work& work, std::string_view outcome);

    Core& core_;
    runtime::Bell ended_;  // some upload has ended
    std::map<Key, std::shared_ptr<Flight>> flights_;
};

}  // namespace reeld::engine
