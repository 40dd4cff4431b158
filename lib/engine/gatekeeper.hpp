#pragma once
// Keeps each provider's gate (domain/provider_gate.hpp) durable and hears the submits' outcomes.
#include <string>

#include "engine/core.hpp"

namespace reeld::engine {

// In the same transaction as the submit's outcome; other events teach it nothing. Logs a pause and a resumption, once each.
void update_gate(Core& core, store::Tx& tx, const std::string& provider,
                 const domain::Event& event);

// In the same transaction as each step of a job: one that has left the provider may have freed what a
// paused account lacks.
void settle_gate(Core& core, store::Tx& tx, const domain::Job& before, const domain::Job& after);

// A person released a job, or the key was changed.
void release_gate(Core& core, store::Tx& tx, const std::string& provider);

// A read with the key went well: a paused account whose key had been refused works again. What the
// provider asked to wait for is waited for all the same.
void read_succeeded(Core& core, store::Tx& tx, const std::string& provider);

// A read with the key went well, or was refused for the account's sake.
awaitable<void> gate_after_read(Core& core, std::string provider, Exchange exchange);

}  // namespace reeld::engine
