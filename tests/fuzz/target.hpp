#pragma once
// A fuzz target takes any bytes and checks what must hold of them, beyond "does not crash". The
// same functions are driven by libFuzzer (main.cpp) and by the replay of the kept corpus.
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace reeld::fuzz {

struct Target {
    std::string_view name;  // also the folder of its corpus
    void (*run)(std::string_view input);
};

std::span<const Target> all_targets();

// The property that an input broke.
class Broken : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

inline void must(bool holds, const std::string& property) {
    if (!holds) throw Broken(property);
}

// Takes an input apart by lines, so that a seed can be written by hand.
class Lines {
  public:
    explicit Lines(std::string_view text) : rest_(text) {}
    bool empty() const { return rest_.empty(); }
    // Up to the next line end, without it.
    std::string_view next() {
        const auto end = rest_.find('\n');
        const std::string_view line = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        return line;
    }
    std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
};

void run_http_request(std::string_view input);
void run_http_connection(std::string_view input);
void run_http_response(std::string_view input);
void run_http_target(std::string_view input);
void run_url(std::string_view input);
void run_redirect(std::string_view input);
void run_provider_answer(std::string_view input);
void run_webhook(std::string_view input);
void run_key_set(std::string_view input);
void run_times(std::string_view input);
void run_json(std::string_view input);
void run_encoding(std::string_view input);
void run_job(std::string_view input);
void run_inbox_row(std::string_view input);
void run_media(std::string_view input);
void run_naming(std::string_view input);
void run_config(std::string_view input);
void run_faults(std::string_view input);
void run_event_stream(std::string_view input);
void run_arguments(std::string_view input);
void run_model_file(std::string_view input);

}  // namespace reeld::fuzz
