// fal (https://fal.ai): the queue API, its webhooks and its request history behind the port.
#include <memory>

#include "providers/fal/answer_error.hpp"
#include "providers/fal/cancel.hpp"
#include "providers/fal/endpoint_id.hpp"
#include "providers/fal/history.hpp"
#include "providers/fal/hosts.hpp"
#include "providers/fal/key_set.hpp"
#include "providers/fal/outputs.hpp"
#include "providers/fal/result.hpp"
#include "providers/fal/status.hpp"
#include "providers/fal/submit.hpp"
#include "providers/fal/upload.hpp"
#include "providers/fal/webhook.hpp"

namespace reeld::providers::fal {
namespace {

using domain::Event;
using domain::Remote;
using provider_api::SubmitIntent;

void replace_host(std::string& host, const std::string& configured) {
    if (configured.empty()) return;
    host = configured;
    while (host.ends_with('/'))
        host.pop_back();
}

class FalProvider final : public provider_api::Provider {
  public:
    explicit FalProvider(const provider_api::ProviderConfig& config)
        : key_(config.key), user_id_(config.user_id) {
        replace_host(hosts_.queue, config.queue_url);
        replace_host(hosts_.rest, config.rest_url);
        replace_host(hosts_.platform, config.platform_url);
    }

    std::string_view name() const override { return "fal"; }

    // Every endpoint id of fal's grammar (endpoint_id.hpp), whoever its owner is, except those that
    // begin with "eachlabs/". So a provider with a prefix of its own is to be asked before this
    // one.
    bool serves(std::string_view model) const override {
        return parse_endpoint_id(model) && !model.starts_with("eachlabs/");
    }
    provider_api::Limits limits() const override {
        provider_api::Limits limits;
        limits.result_bytes = result_bytes_max;
        return limits;
    }

    Result<HttpRequest> build_submit(const SubmitIntent& intent) const override {
        return fal::build_submit(hosts_, key_, intent);
    }
    Event read_submit(const SubmitIntent& intent, const Exchange& exchange) const override {
        return fal::read_submit(hosts_, intent, exchange);
    }

    Result<HttpRequest> build_status(const std::string& model,
                                     const Remote& remote) const override {
        return fal::build_status(hosts_, key_, model, remote);
    }
    Event read_status(const Exchange& exchange) const override {
        return fal::read_status(exchange);
    }

    std::optional<HttpRequest> build_status_stream(const std::string& model,
                                                   const Remote& remote) const override {
        return fal::build_status_stream(hosts_, key_, model, remote);
    }
    std::optional<domain::event::StatusSeen> read_stream_event(
        std::string_view data) const override {
        return fal::read_stream_event(data);
    }

    Result<HttpRequest> build_result(const std::string& model,
                                     const Remote& remote) const override {
        return fal::build_result(hosts_, key_, model, remote);
    }
    Event read_result(const Exchange& exchange) const override {
        return fal::read_result(exchange);
    }
    void describe_outputs(const std::string& input,
                          std::vector<domain::Output>& outputs) const override {
        fal::describe_outputs(input, outputs);
    }

    Result<HttpRequest> build_cancel(const std::string& model,
                                     const Remote& remote) const override {
        return fal::build_cancel(hosts_, key_, model, remote);
    }
    Event read_cancel(const Exchange& exchange) const override {
        return fal::read_cancel(exchange);
    }

    std::optional<HttpRequest> build_history(const SubmitIntent& intent,
                                             const std::string& cursor) const override {
        return fal::build_history(hosts_, key_, intent, cursor);
    }
    Result<provider_api::HistoryPage> read_history(const SubmitIntent& intent,
                                                   const Exchange& exchange) const override {
        return fal::read_history(hosts_, intent, exchange);
    }

    std::optional<HttpRequest> build_lookup(const std::string& model,
                                            const RequestId& request) const override {
        return fal::build_lookup(hosts_, key_, model, request);
    }
    Result<std::optional<provider_api::HistoryItem>> read_lookup(
        const std::string& model, const RequestId& request,
        const Exchange& exchange) const override {
        return fal::read_lookup(hosts_, model, request, exchange);
    }

    std::optional<provider_api::UploadLimits> upload_limits() const override {
        return provider_api::UploadLimits{upload_bytes_max};
    }
    Result<HttpRequest> build_upload_start(const provider_api::UploadFile& file) const override {
        return fal::build_upload_start(hosts_, key_, file);
    }
    provider_api::UploadStart read_upload_start(const provider_api::UploadFile& file,
                                                const Exchange& exchange,
                                                Instant now) const override {
        return fal::read_upload_start(file, exchange, now);
    }
    Result<HttpRequest> build_upload_part(const provider_api::UploadTicket& ticket,
                                          const provider_api::UploadFile& file,
                                          int number) const override {
        return fal::build_upload_part(ticket, file, number);
    }
    provider_api::UploadedPart read_upload_part(const provider_api::UploadTicket& ticket,
                                                const Exchange& exchange) const override {
        return fal::read_upload_part(ticket, exchange);
    }
    std::optional<HttpRequest> build_upload_end(
        const provider_api::UploadTicket& ticket,
        const std::vector<std::string>& etags) const override {
        return fal::build_upload_end(ticket, etags);
    }
    std::optional<domain::Refusal> read_upload_end(const Exchange& exchange) const override {
        return fal::read_upload_end(exchange);
    }

    std::optional<HttpRequest> build_key_set() const override { return fal::build_key_set(hosts_); }
    Result<provider_api::KeySet> read_key_set(const Exchange& exchange) const override {
        return fal::read_key_set(exchange);
    }
    provider_api::WebhookReading read_webhook(const provider_api::Delivery& delivery,
                                              const provider_api::KeySet& keys,
                                              Instant now) const override {
        return fal::read_webhook(delivery, keys, user_id_, now);
    }

    // The status of a request that cannot exist: an unknown id is told only to a good key.
    Result<HttpRequest> build_key_check() const override {
        const Remote nobody =
            make_remote(hosts_, "fal-ai/minimax", "00000000-0000-0000-0000-000000000000");
        return keyed_request("GET", nobody.status_url, key_);
    }
    Result<bool> read_key_check(const Exchange& exchange) const override {
        if (exchange.delivery == Delivery::answered && exchange.response.status == 404) return true;
        if (exchange.delivery == Delivery::answered && exchange.response.status == 401)
            return false;
        return answer_error(exchange, "fal's key check");
    }

    bool owns_url(std::string_view url) const override { return is_queue_url(hosts_, url); }

  private:
    Hosts hosts_;
    Secret key_;
    std::string user_id_;
};

}  // namespace

std::unique_ptr<provider_api::Provider> make(const provider_api::ProviderConfig& config);
std::unique_ptr<provider_api::Provider> make(const provider_api::ProviderConfig& config) {
    return std::make_unique<FalProvider>(config);
}

}  // namespace reeld::providers::fal
