#pragma once
// A provider as it is, but for its uploads: what is larger than a few bytes goes in small parts, so
// that a test need not move a hundred megabytes to see some.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "provider_api/provider.hpp"

namespace reeld::test {

class SmallParts final : public provider_api::Provider {
  public:
    // Files of more than `whole_max` bytes go in parts of `part_bytes`.
    SmallParts(std::shared_ptr<const provider_api::Provider> real, std::uint64_t whole_max,
               std::uint64_t part_bytes)
        : real_(std::move(real)), whole_max_(whole_max), part_bytes_(part_bytes) {}

    std::optional<provider_api::UploadLimits> upload_limits() const override {
        return real_->upload_limits();
    }
    Result<HttpRequest> build_upload_start(const provider_api::UploadFile& f) const override {
        return real_->build_upload_start(claimed(f));
    }
    provider_api::UploadStart read_upload_start(const provider_api::UploadFile& f,
                                                const Exchange& e, Instant now) const override {
        auto start = real_->read_upload_start(claimed(f), e, now);
        auto* ticket = std::get_if<provider_api::UploadTicket>(&start);
        if (ticket != nullptr && ticket->part_bytes != 0) ticket->part_bytes = part_bytes_;
        return start;
    }
    Result<HttpRequest> build_upload_part(const provider_api::UploadTicket& t,
                                          const provider_api::UploadFile& f, int n) const override {
        return real_->build_upload_part(t, f, n);
    }
    provider_api::UploadedPart read_upload_part(const provider_api::UploadTicket& t,
                                                const Exchange& e) const override {
        return real_->read_upload_part(t, e);
    }
    std::optional<HttpRequest> build_upload_end(
        const provider_api::UploadTicket& t, const std::vector<std::string>& etags) const override {
        return real_->build_upload_end(t, etags);
    }
    std::optional<domain::Refusal> read_upload_end(const Exchange& e) const override {
        return real_->read_upload_end(e);
    }

    std::string_view name() const override { return real_->name(); }
    bool serves(std::string_view m) const override { return real_->serves(m); }
    provider_api::Limits limits() const override { return real_->limits(); }
    Result<HttpRequest> build_submit(const provider_api::SubmitIntent& i) const override {
        return real_->build_submit(i);
    }
    domain::Event read_submit(const provider_api::SubmitIntent& i,
                              const Exchange& e) const override {
        return real_->read_submit(i, e);
    }
    Result<HttpRequest> build_status(const std::string& m, const domain::Remote& r) const override {
        return real_->build_status(m, r);
    }
    domain::Event read_status(const Exchange& e) const override { return real_->read_status(e); }
    std::optional<HttpRequest> build_status_stream(const std::string& m,
                                                   const domain::Remote& r) const override {
        return real_->build_status_stream(m, r);
    }
    std::optional<domain::event::StatusSeen> read_stream_event(
        std::string_view data) const override {
        return real_->read_stream_event(data);
    }
    Result<HttpRequest> build_result(const std::string& m, const domain::Remote& r) const override {
        return real_->build_result(m, r);
    }
    domain::Event read_result(const Exchange& e) const override { return real_->read_result(e); }
    void describe_outputs(const std::string& input,
                          std::vector<domain::Output>& outputs) const override {
        real_->describe_outputs(input, outputs);
    }
    Result<HttpRequest> build_cancel(const std::string& m, const domain::Remote& r) const override {
        return real_->build_cancel(m, r);
    }
    domain::Event read_cancel(const Exchange& e) const override { return real_->read_cancel(e); }
    std::optional<HttpRequest> build_history(const provider_api::SubmitIntent& i,
                                             const std::string& c) const override {
        return real_->build_history(i, c);
    }
    Result<provider_api::HistoryPage> read_history(const provider_api::SubmitIntent& i,
                                                   const Exchange& e) const override {
        return real_->read_history(i, e);
    }
    std::optional<HttpRequest> build_lookup(const std::string& m,
                                            const RequestId& r) const override {
        return real_->build_lookup(m, r);
    }
    Result<std::optional<provider_api::HistoryItem>> read_lookup(
        const std::string& m, const RequestId& r, const Exchange& e) const override {
        return real_->read_lookup(m, r, e);
    }
    std::optional<HttpRequest> build_key_set() const override { return real_->build_key_set(); }
    Result<provider_api::KeySet> read_key_set(const Exchange& e) const override {
        return real_->read_key_set(e);
    }
    provider_api::WebhookReading read_webhook(const provider_api::Delivery& d,
                                              const provider_api::KeySet& k,
                                              Instant now) const override {
        return real_->read_webhook(d, k, now);
    }
    Result<HttpRequest> build_key_check() const override { return real_->build_key_check(); }
    Result<bool> read_key_check(const Exchange& e) const override {
        return real_->read_key_check(e);
    }
    bool owns_url(std::string_view url) const override { return real_->owns_url(url); }

  private:
    // Of a size that the provider takes in parts, or whole.
    provider_api::UploadFile claimed(provider_api::UploadFile file) const {
        file.bytes = file.bytes > whole_max_ ? 100ull << 20 : file.bytes;
        return file;
    }

    std::shared_ptr<const provider_api::Provider> real_;
    std::uint64_t whole_max_;
    std::uint64_t part_bytes_;
};

}  // namespace reeld::test
