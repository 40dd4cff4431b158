// What the programs read: the configuration, a faults file, the event stream, command lines.
#include <array>

#include "base/encoding.hpp"
#include "fuzz/target.hpp"
#include "reel/pairs.hpp"
#include "base/sse_reader.hpp"
#include "reeld/config.hpp"
#include "sandbox/faults.hpp"

namespace reeld::fuzz {
namespace {

bool same(const SseEvent& a, const SseEvent& b) {
    return a.id == b.id && a.event == b.event && a.data == b.data;
}

}  // namespace

void run_config(std::string_view input) {
    static constexpr std::array<std::string_view, 1> names{"fal"};
    const auto config = daemon::parse_config(input, "reeld.toml", names);
    if (!config) {
        must(config.error().code() == ErrorCode::invalid, "a mistake of the file");
        must(config.error().context().starts_with("reeld.toml:"), "a mistake has its place");
        return;
    }
    for (const std::string& path :
         {config->paths.state, config->paths.outputs, config->paths.socket}) {
        must(path.starts_with('/') && path.find("/../") == std::string::npos, "absolute paths");
    }
    for (const auto& [name, provider] : config->providers) {
        must(name == "fal", "a known provider");
        must(provider.concurrency >= 1 && provider.requests_per_minute >= 1, "limits in range");
        must(provider.poll_interval > Millis{0}, "a pause between polls");
        for (const std::string& url : {provider.api.queue_url, provider.api.rest_url}) {
            const auto parsed = parse_url(url);
            must(url.empty() || (parsed && !parsed->has_userinfo), "a URL without a key in it");
        }
    }
    must(config->downloads.max_bytes > 0 && config->downloads.concurrency >= 1, "in range");
}

void run_faults(std::string_view input) {
    static_cast<void>(sandbox::read_marks(input));
    const auto faults = sandbox::parse_faults(input);
    if (!faults) return;
    sandbox::Faults again;
    must(sandbox::read_faults(sandbox::to_json(*faults), again).has_value(), "reads back");
    must(sandbox::to_json(again) == sandbox::to_json(*faults), "reads back as itself");
}

void run_event_stream(std::string_view input) {
    SseReader whole;
    SseReader dripped;
    const auto at_once = whole.feed(input);
    std::vector<SseEvent> one_by_one;
    for (const char c : input) {
        for (auto& event : dripped.feed({&c, 1})) one_by_one.push_back(std::move(event));
    }
    must(at_once.size() == one_by_one.size(), "the same events, however they come");
    for (std::size_t i = 0; i < at_once.size(); ++i) {
        must(same(at_once[i], one_by_one[i]), "the same event, however it comes");
        must(at_once[i].id.find_first_of("\n\r") == std::string::npos,
             "an id that can be sent back in a header");
    }
    must(whole.last_id() == dripped.last_id(), "the same place to go on from");
    must(whole.last_id().find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos,
         "a last id that can be sent back in a header");
}

void run_arguments(std::string_view input) {
    std::vector<std::string> words;
    for (Lines lines(input); !lines.empty();) words.emplace_back(lines.next());
    const reel::ReadFile no_files = [](const std::string& path) -> Result<std::string> {
        return Error(ErrorCode::not_found, path);
    };
    if (const auto pairs = reel::add_pairs({}, words, no_files)) {
        must(pairs->size() <= words.size() && pairs->empty() == words.empty(),
             "no more members than words, and some");
    }
    if (const auto labels = reel::read_labels(words)) {
        must(labels->size() == words.size(), "a label for each word");
    }
    for (const std::string& word : words) {
        static_cast<void>(reel::read_when(word, from_unix_ms(1'795'000'000'000)));
    }
}

}  // namespace reeld::fuzz
