#pragma once
// What a sandbox is made with.
#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "sandbox/faults.hpp"

namespace reeld::sandbox {

struct Options {
    std::uint64_t seed = 1;
    std::string key;                                   // empty: any key will do
    std::string user_id = "sandbox|1";                 // whose webhooks they are
    std::string public_url = "http://127.0.0.1:8470";  // the base of every URL given out
    double speed = 1;                                  // 2: everything takes half as long
    std::size_t concurrency = 2;                       // running at once, over all endpoints
    bool strict_paths = false;  // 404 for later calls with the full endpoint path
    Faults faults;

    Millis queue_min{200}, queue_max{1'000};
    Millis run_min{800}, run_max{3'000};
    Millis history_delay{2'000};      // before a request appears in the history
    bool hide_unfinished = false;     // in the history
    std::size_t history_page = 100;   // the longest page it gives
    Millis retention{3'600'000};      // of a result, after its end
    Millis retention_large{360'000};  // of a result of 10 KB or more
    unsigned webhook_retries_max = 31;
    bool webhook_patient = false;        // fal's older policy: 10 retries within 2 h
    std::size_t requests_per_minute = 0;  // submits; more of them are a 429. 0: no limit
    double unit_price_usd = 0.28;
    double eachlabs_price_usd = 0.43;
    std::size_t in_flight_max = 10;   // predictions of Eachlabs; more are a 429. 0: no limit
    Millis eachlabs_step{0};          // its predictions' times are multiples of it. 0: any
    double noise = 0.5;               // other systems' executions in its list, for each of ours
    bool bare_401 = false;            // its 401 says {}
    std::size_t upload_bytes_max = 256 * 1024 * 1024;  // all uploads together
    std::size_t upload_call_max = 100'000'000;         // of one call
    Millis upload_life{0};  // of every uploaded file, or less where less was asked. 0: as asked
};

}  // namespace reeld::sandbox
