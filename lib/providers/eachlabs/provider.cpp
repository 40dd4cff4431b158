// Eachlabs (https://eachlabs.ai): its prediction API, webhooks and list of executions behind the
// port.
#include "provider_api/provider.hpp"

#include <memory>

#include "providers/eachlabs/account.hpp"
#include "providers/eachlabs/answer.hpp"
#include "providers/eachlabs/cancel.hpp"
#include "providers/eachlabs/history.hpp"
#include "providers/eachlabs/prediction.hpp"
#include "providers/eachlabs/submit.hpp"
#include "providers/eachlabs/upload.hpp"
#include "providers/eachlabs/webhook.hpp"

namespace reeld::providers::eachlabs {
namespace {

using domain::Event;
using domain::Remote;
using provider_api::SubmitIntent;

class EachlabsProvider final : public provider_api::Provider {
  public:
    explicit EachlabsProvider(const provider_api::ProviderConfig& config) {
        account_.key = config.key;
        account_.old_header = config.auth == "x-api-key";
        if (!config.base_url.empty()) account_.base = config.base_url;
        while (account_.base.ends_with('/')) account_.base.pop_back();
    }

    std::string_view name() const override { return "eachlabs"; }
    bool serves(std::string_view model) const override { return !slug_of(model).empty(); }
    provider_api::Limits limits() const override { return {}; }

    Result<HttpRequest> build_submit(const SubmitIntent& intent) const override {
        return eachlabs::build_submit(account_, intent);
    }
    Event read_submit(const SubmitIntent&, const Exchange& exchange) const override {
        return eachlabs::read_submit(account_, exchange);
    }

    Result<HttpRequest> build_status(const std::string&, const Remote& remote) const override {
        return build_prediction(account_, remote);
    }
    Event read_status(const Exchange& exchange) const override {
        return eachlabs::read_status(exchange);
    }
    Result<HttpRequest> build_result(const std::string&, const Remote& remote) const override {
        return build_prediction(account_, remote);
    }
    Event read_result(const Exchange& exchange) const override {
        return eachlabs::read_result(exchange);
    }

    Result<HttpRequest> build_cancel(const std::string&, const Remote& remote) const override {
        return eachlabs::build_cancel(account_, remote);
    }
    Event read_cancel(const Exchange& exchange) const override {
        return eachlabs::read_cancel(exchange);
    }

    std::optional<HttpRequest> build_history(const SubmitIntent& intent,
                                             const std::string& cursor) const override {
        return eachlabs::build_history(account_, intent, cursor);
    }
    Result<provider_api::HistoryPage> read_history(const SubmitIntent& intent,
                                                   const Exchange& exchange) const override {
        return eachlabs::read_history(account_, intent, exchange);
    }
    std::optional<HttpRequest> build_lookup(const std::string&,
                                            const RequestId& request) const override {
        Remote remote;
        remote.request_id = request;
        auto built = build_prediction(account_, remote);
        if (!built) return std::nullopt;
        return std::move(*built);
    }
    Result<std::optional<provider_api::HistoryItem>> read_lookup(
        const std::string&, const RequestId& request, const Exchange& exchange) const override {
        return eachlabs::read_lookup(account_, request, exchange);
    }

    std::optional<provider_api::UploadLimits> upload_limits() const override {
        return provider_api::UploadLimits{upload_bytes_max};
    }
    Result<HttpRequest> build_upload_start(const provider_api::UploadFile& file) const override {
        return eachlabs::build_upload_start(account_, file);
    }
    provider_api::UploadStart read_upload_start(const provider_api::UploadFile& file,
                                                const Exchange& exchange,
                                                Instant now) const override {
        return eachlabs::read_upload_start(file, exchange, now);
    }
    Result<HttpRequest> build_upload_part(const provider_api::UploadTicket& ticket,
                                          const provider_api::UploadFile&,
                                          int number) const override {
        return eachlabs::build_upload_part(ticket, number);
    }
    provider_api::UploadedPart read_upload_part(const provider_api::UploadTicket&,
                                                const Exchange& exchange) const override {
        return eachlabs::read_upload_part(exchange);
    }

    std::optional<HttpRequest> build_key_set() const override { return std::nullopt; }
    Result<provider_api::KeySet> read_key_set(const Exchange&) const override {
        return Error(ErrorCode::invalid, "Eachlabs signs with no key set");
    }
    provider_api::WebhookReading read_webhook(const provider_api::Delivery& delivery,
                                              const provider_api::KeySet&, Instant) const override {
        return eachlabs::read_webhook(delivery, webhook_secret(account_, delivery.token));
    }

    Result<HttpRequest> build_key_check() const override {
        return keyed_request(account_, "GET", account_.base + "/v1/executions?limit=1");
    }
    // By the status alone: the body of a 401 is an empty object at times.
    Result<bool> read_key_check(const Exchange& exchange) const override {
        if (is_success(exchange)) return true;
        if (exchange.delivery == Delivery::answered && exchange.response.status == 401) {
            return false;
        }
        return answer_error(exchange, "Eachlabs' key check");
    }

    bool owns_url(std::string_view url) const override { return is_api_url(account_, url); }

  private:
    Account account_;
};

}  // namespace

std::unique_ptr<provider_api::Provider> make(const provider_api::ProviderConfig& config);
std::unique_ptr<provider_api::Provider> make(const provider_api::ProviderConfig& config) {
    return std::make_unique<EachlabsProvider>(config);
}

}  // namespace reeld::providers::eachlabs
