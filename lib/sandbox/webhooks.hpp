#pragma once
// The deliveries to make: when, signed how, and tried again until when.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "provider_api/http_message.hpp"
#include "sandbox/draws.hpp"
#include "sandbox/options.hpp"
#include "sandbox/queue.hpp"

namespace reeld::sandbox {

// One POST to make now. Its outcome is given back with Webhooks::delivered().
struct WebhookDelivery {
    std::uint64_t id = 0;
    std::string request_id;  // of the job that it is about
    std::string url;
    Headers headers;
    std::string body;
    Millis timeout{15'000};
};

struct WebhookFaults {
    bool duplicate = false;
    bool late = false;
    bool forged = false;
    bool payload_error = false;
    bool null = false;
    bool stale = false;
    bool cut = false;
    bool swapped = false;
    bool legacy = false;
};

// What the provider keeps of one job's webhook: the call as it was made last, and how each went.
struct WebhookRecord {
    std::string url;
    Headers headers;
    std::string body;
    Instant created_at{};
    struct Try {
        Instant at{};
        std::optional<int> status;
        bool answered = false;  // an outcome is known
    };
    std::vector<Try> tries;
};

class Webhooks {
  public:
    Webhooks(const Options& options, const Draws& draws) : options_(options), draws_(draws) {}

    void schedule(const Job& job, const WebhookFaults& faults);
    std::vector<WebhookDelivery> due(Instant now);
    std::optional<Instant> next_due() const;
    // `status` is absent when no answer came. 2xx ends it, 3xx is a permanent failure, all else is
    // tried again: by fal up to 31 times, at growing distances, until the result expires; by Eachlabs
    // twice, ten seconds apart.
    void delivered(std::uint64_t id, std::optional<int> status, Instant now);
    // By the id of the job; only those whose dialect has such records.
    const std::map<std::string, WebhookRecord>& records() const { return records_; }
    // JSON; `before` gives the set as it was before the last rotation.
    std::string key_set(bool before = false) const;
    void rotate_key() { ++generation_; }

  private:
    enum class Kind { honest, wrong_key, other_user, altered, swapped };
    struct Pending {
        const Job* job = nullptr;
        std::string body;
        Instant give_up{};
        Kind kind = Kind::honest;
        unsigned tries = 0;
        bool duplicate = false;
        bool stale = false;
        bool cut = false;
        bool swapped = false;
        bool legacy = false;
    };
    WebhookDelivery make_signed(const Pending& pending, Instant now) const;
    WebhookDelivery make_secret(const Pending& pending) const;
    std::optional<Instant> next_try(const Pending& pending, Instant now) const;
    void record(const Pending& pending, const WebhookDelivery& delivery, Instant now);
    void put(Pending pending, Instant at);
    WebhookDelivery make(std::uint64_t id, const Pending& pending, Instant now) const;
    std::string key(std::string_view purpose) const;
    std::string signing_key(unsigned generation) const;
    void spoil(const Pending& pending, WebhookDelivery& delivery) const;
    Millis backoff(unsigned tries) const;

    const Options& options_;
    const Draws& draws_;
    std::uint64_t last_id_ = 0;
    unsigned generation_ = 0;  // of the signing key
    std::map<std::string, WebhookRecord> records_;
    std::map<std::uint64_t, Pending> pending_;
    std::set<std::pair<Instant, std::uint64_t>> times_;
};

}  // namespace reeld::sandbox
