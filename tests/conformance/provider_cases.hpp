#pragma once
// The fixtures of one provider: lib/providers/<name>/fixtures/conformance.json.
//   {"model": endpoint id, "config": {"queue_url", "base_url", "user_id", … as configured},
//    "not_applicable": {required case: why this provider cannot have it},
//    "unsigned_webhooks": what stands in for a signature of the body; without it an altered body must
//      not be trusted, with it no delivery may carry an event,
//    "cases": [{
//      "name": unique,
//      "reader": submit | status | result | cancel | history | lookup | key_set | key_check | webhook
//      | upload_start | upload_part | upload_end,
//      "delivery": not_sent | maybe_sent | answered (default),  "error": timeout | reset |
//      unreachable, "status": HTTP status, "headers": {name: value}, "complete": false for a body
//      cut short, "body": JSON value | "body_text": text | "body_file": file beside the manifest,
//      "key_set_file": answer to the key set call, "now": RFC 3339       (webhook, upload_start)
//      "large_file": true for one that goes in parts where there are any,
//      "expect": {"event": name, any field of event_fields.hpp}
//                {"trust": …, "event": name or "" for none}               (webhook)
//                {"error": true} | {"items": n, "next_cursor": …, "first_input": …} | {"keys": n}
//                | {"accepted": bool}                                     (history, key set, check)
//                {"event": upload_ticket | upload_refused | upload_part_taken | upload_ended, …}
//    }]}
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "provider_api/provider.hpp"

namespace reeld::conformance {

struct Case {
    std::string name;
    std::string reader;
    Exchange exchange;
    std::string key_set;
    Instant now{};
    bool large_file = false;
    json::object expect;
};

struct Manifest {
    std::string model;
    provider_api::ProviderConfig config;
    json::object not_applicable;
    bool unsigned_webhooks = false;
    std::vector<Case> cases;
};

inline std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string text_or(const json::object& object, std::string_view key,
                           std::string otherwise = "") {
    return find_string(object, key).value_or(std::move(otherwise));
}

inline std::string read_body(const json::object& row, const std::string& folder) {
    if (const auto file = find_string(row, "body_file")) return read_file(folder + *file);
    if (const auto* body = find(row, "body")) return canonical_json(*body);
    return text_or(row, "body_text");
}

inline Exchange read_exchange(const json::object& row, const std::string& folder) {
    Exchange exchange;
    const std::string delivery = text_or(row, "delivery", "answered");
    exchange.delivery = delivery == "not_sent"     ? Delivery::not_sent
                        : delivery == "maybe_sent" ? Delivery::maybe_sent
                                                   : Delivery::answered;
    const std::string error = text_or(row, "error");
    exchange.error = Error(error == "timeout" ? ErrorCode::timeout
                           : error == "reset" ? ErrorCode::reset
                                              : ErrorCode::unreachable,
                           "the peer was not heard");
    exchange.response.status = static_cast<int>(find_int(row, "status").value_or(0));
    exchange.response.complete = find_bool(row, "complete").value_or(true);
    exchange.response.body = read_body(row, folder);
    if (const auto* headers = find_object(row, "headers")) {
        for (const auto& header : *headers) {
            exchange.response.headers.add(std::string(header.key()),
                                          std::string(header.value().as_string()));
        }
    }
    return exchange;
}

inline Case read_case(const json::object& row, const std::string& folder) {
    Case made;
    made.name = text_or(row, "name");
    made.reader = text_or(row, "reader");
    made.exchange = read_exchange(row, folder);
    if (const auto file = find_string(row, "key_set_file"))
        made.key_set = read_file(folder + *file);
    made.now = parse_rfc3339(text_or(row, "now")).value_or(Instant{});
    made.large_file = find_bool(row, "large_file").value_or(false);
    made.expect = row.at("expect").as_object();
    return made;
}

inline Manifest read_manifest(std::string_view provider) {
    const std::string folder =
        std::string(REELD_SOURCE_DIR) + "/lib/providers/" + std::string(provider) + "/fixtures/";
    const auto parsed = parse_json(read_file(folder + "conformance.json"));
    if (!parsed) throw std::runtime_error(parsed.error().message());
    const json::object& root = parsed->as_object();
    Manifest manifest;
    manifest.model = text_or(root, "model");
    if (const auto* config = find_object(root, "config")) {
        manifest.config.queue_url = text_or(*config, "queue_url");
        manifest.config.rest_url = text_or(*config, "rest_url");
        manifest.config.platform_url = text_or(*config, "platform_url");
        manifest.config.base_url = text_or(*config, "base_url");
        manifest.config.user_id = text_or(*config, "user_id");
        manifest.config.auth = text_or(*config, "auth");
    }
    manifest.config.key = Secret("conformance-key");
    if (const auto* skipped = find_object(root, "not_applicable"))
        manifest.not_applicable = *skipped;
    manifest.unsigned_webhooks = !text_or(root, "unsigned_webhooks").empty();
    for (const auto& row : root.at("cases").as_array()) {
        manifest.cases.push_back(read_case(row.as_object(), folder));
    }
    return manifest;
}

}  // namespace reeld::conformance
