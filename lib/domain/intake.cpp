#include "domain/intake.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "domain/naming.hpp"
#include "domain/suggest.hpp"

namespace reeld::domain {
namespace {

constexpr std::size_t model_bytes_max = 200;
constexpr std::size_t batch_chars_max = 128;
constexpr std::size_t label_value_bytes_max = 256;
// Answers nest the input deeper, and their readers take 64 levels.
constexpr std::size_t input_depth_max = 50;
constexpr std::int64_t priority_limit = 1'000'000;
// Anything below is a count of seconds, whatever the writer meant: 1973 in milliseconds, 5138 in
// seconds.
constexpr std::int64_t seconds_look_below = 100'000'000'000;
constexpr std::int64_t year_10000_ms = 253'402'300'800'000;

constexpr std::array<std::string_view, 12> known_members{
    "id",       "model",        "input",  "batch",  "priority", "not_before",
    "deadline", "max_attempts", "output", "labels", "unchecked", "reuse_uploads"};
constexpr std::array<std::string_view, 21> read_only_members{
    "state",          "reason",     "provider",     "request_id", "attempt",
    "queue_position", "progress",   "video_url",    "outputs",    "cost_usd",
    "error",          "created_at", "submitted_at", "finished_at",
    "files",          "cost_by_estimate_usd", "estimated_cost_usd", "estimate_is_sure",
    "reserved_usd", "possibly_billed_usd", "unpriced_submits"};
// What a model takes; in a job it belongs one level deeper.
constexpr std::array<std::string_view, 10> input_members{
    "prompt",   "image_url",  "image", "first_frame_image", "video_url",
    "duration", "resolution", "seed",  "prompt_optimizer",  "aspect_ratio"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view kind_of(const json::value& value) {
    switch (value.kind()) {
        case json::kind::null:
            return "null";
        case json::kind::bool_:
            return "true or false";
        case json::kind::int64:
        case json::kind::uint64:
            return "a whole number";
        case json::kind::double_:
            return "a number with a fraction";
        case json::kind::string:
            return "a text";
        case json::kind::array:
            return "an array";
        case json::kind::object:
            return "an object";
    }
    return "something else";
}

bool is_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    });
}

bool is_endpoint_id(std::string_view text) {
    int segments = 0;
    while (true) {
        const std::size_t slash = text.find('/');
        const std::string_view segment = text.substr(0, slash);
        if (!is_word(segment) || segment == "." || segment == "..") return false;
        ++segments;
        if (slash == std::string_view::npos) return segments >= 2;
        text.remove_prefix(slash + 1);
    }
}

std::size_t depth_of(const json::value& value) {
    std::size_t below = 0;
    if (const auto* array = value.if_array()) {
        for (const auto& element : *array) below = std::max(below, depth_of(element));
    } else if (const auto* object = value.if_object()) {
        for (const auto& member : *object) below = std::max(below, depth_of(member.value()));
    } else {
        return 0;
    }
    return below + 1;
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

// Reads one job object; collects every error instead of stopping at the first.
class Reader {
  public:
    Reader(const json::object& object, Instant now, const IntakeLimits& limits)
        : object_(object), now_(now), limits_(limits) {}

    Intake read() {
        read_id();
        read_model();
        read_input();
        read_batch();
        read_numbers();
        read_times();
        read_output();
        read_labels();
        read_unchecked();
        check_reuse();
        refuse_other_members();
        if (!errors_.empty()) return std::move(errors_);
        return std::move(request_);
    }

  private:
    void complain(std::string field, std::string message) {
        errors_.push_back(FieldError{std::move(field), std::move(message)});
    }

    // An optional member that is null counts as not given.
    const json::value* given(std::string_view name) const {
        const json::value* value = find(object_, name);
        return value == nullptr || value->is_null() ? nullptr : value;
    }

    std::optional<std::string_view> read_text(std::string_view name, std::string_view wanted) {
        const json::value* value = given(name);
        if (value == nullptr) return std::nullopt;
        if (!value->is_string()) {
            complain(std::string(name),
                     fmt::format("must be a text{}, not {}", wanted, kind_of(*value)));
            return std::nullopt;
        }
        const std::string_view text = value->get_string();
        if (!is_utf8(text)) {
            complain(std::string(name), "must be valid UTF-8");
            return std::nullopt;
        }
        return text;
    }

    std::optional<std::int64_t> read_whole(std::string_view name, std::int64_t least,
                                           std::int64_t most) {
        const json::value* value = given(name);
        if (value == nullptr) return std::nullopt;
        if (!value->is_int64() && !value->is_uint64()) {
            complain(std::string(name), fmt::format("must be a whole number from {} to {}, not {}",
                                                    least, most, kind_of(*value)));
            return std::nullopt;
        }
        const auto number = find_int(object_, name);
        if (!number || *number < least || *number > most) {
            complain(std::string(name),
                     fmt::format("must be from {} to {}, not {}", least, most,
                                 number ? fmt::to_string(*number) : "larger than any such number"));
            return std::nullopt;
        }
        return number;
    }

    void read_id() {
        const auto text = read_text("id", " of 1 to 64 characters");
        if (!text) return;
        if (!is_job_id(*text)) {
            complain("id",
                     fmt::format("{} is no job id; 1 to 64 of the characters A-Z a-z 0-9 . _ - "
                                 "are right, or none at all: then one is made",
                                 quoted(*text)));
            return;
        }
        request_.id = JobId(std::string(*text));
    }

    void read_model() {
        if (given("model") == nullptr) {
            complain("model",
                     "is missing; an endpoint id such as "
                     "\"fal-ai/minimax/hailuo-02/standard/image-to-video\" is needed");
            return;
        }
        const auto text = read_text("model", " (an endpoint id)");
        if (!text) return;
        if (text->size() > model_bytes_max) {
            complain("model", fmt::format("has {} bytes; at most {} are taken", text->size(),
                                          model_bytes_max));
        } else if (!is_endpoint_id(*text)) {
            complain("model",
                     fmt::format("{} is no endpoint id; at least two segments of A-Z a-z 0-9 "
                                 ". _ - joined by \"/\" are right, such as "
                                 "\"eachlabs/minimax-i2v-01\"",
                                 quoted(*text)));
        } else {
            request_.model = *text;
        }
    }

    void read_input() {
        const json::value* value = given("input");
        if (value == nullptr) {
            complain("input",
                     "is missing; the model's JSON object is needed, such as "
                     "{\"prompt\": \"waves at dusk\"}");
            return;
        }
        if (const auto* text = value->if_string()) {
            complain_of_input_text(*text);
            return;
        }
        if (!value->is_object()) {
            complain("input", fmt::format("must be a JSON object such as {{\"prompt\": \"waves at "
                                          "dusk\"}}, not {}",
                                          kind_of(*value)));
            return;
        }
        if (depth_of(*value) > input_depth_max) {
            complain("input", fmt::format("is nested deeper than {} levels", input_depth_max));
            return;
        }
        std::string text = canonical_json(*value);
        if (text.size() > limits_.input_bytes) {
            complain("input",
                     fmt::format("has {} bytes as JSON; at most {} are taken: pass large data "
                                 "by URL",
                                 text.size(), limits_.input_bytes));
            return;
        }
        request_.input = std::move(text);
    }

    // A text here is what an inbox row holds when it is no JSON, or JSON that was quoted twice.
    void complain_of_input_text(std::string_view text) {
        const auto parsed = parse_json(text);
        if (parsed) {
            complain("input",
                     parsed->is_object()
                         ? "must be a JSON object, not a text that holds one: leave the "
                           "quotes around it away"
                         : fmt::format("must be a JSON object such as {{\"prompt\": \"waves "
                                       "at dusk\"}}, not a text that holds {}",
                                       kind_of(*parsed)));
            return;
        }
        complain("input",
                 fmt::format("must be a JSON object such as {{\"prompt\": \"waves at dusk\"}}; "
                             "the text {} is {}",
                             quoted(text), parsed.error().context()));
    }

    void read_batch() {
        const auto text = read_text("batch", "");
        if (!text) return;
        if (characters(*text) > batch_chars_max) {
            complain("batch", fmt::format("has {} characters; at most {} are taken",
                                          characters(*text), batch_chars_max));
        } else if (has_control(*text)) {
            complain("batch", "must not hold control characters such as line ends or tabs");
        } else if (*text == "." || *text == "..") {
            complain("batch", "must not be \".\" or \"..\": it may become a folder's name");
        } else {
            request_.batch = *text;
        }
    }

    void read_numbers() {
        if (const auto priority = read_whole("priority", -priority_limit, priority_limit)) {
            request_.priority = *priority;
        }
        if (const auto attempts = read_whole("max_attempts", 1, limits_.max_attempts)) {
            request_.max_attempts = static_cast<int>(*attempts);
        }
    }

    std::optional<Instant> read_time(std::string_view name) {
        const json::value* value = given(name);
        if (value == nullptr) return std::nullopt;
        const std::string example =
            fmt::format("an RFC 3339 time such as \"{}\" or Unix milliseconds such as {}",
                        to_rfc3339(now_), to_unix_ms(now_));
        if (const auto* text = value->if_string()) {
            const auto at = parse_rfc3339(*text);
            if (!at) {
                complain(std::string(name),
                         fmt::format("{} is no time; {} is right", quoted(*text), example));
            }
            return at;
        }
        const auto ms = find_int(object_, name);
        if (!ms || *ms < 0 || *ms >= year_10000_ms) {
            complain(std::string(name),
                     fmt::format("must be {}{}", example,
                                 value->is_number() ? std::string()
                                                    : fmt::format(", not {}", kind_of(*value))));
            return std::nullopt;
        }
        if (*ms < seconds_look_below) {
            complain(std::string(name),
                     fmt::format("{} looks like Unix seconds; milliseconds are wanted: {}", *ms,
                                 *ms * 1000));
            return std::nullopt;
        }
        return from_unix_ms(*ms);
    }

    void read_times() {
        request_.not_before = read_time("not_before");
        request_.deadline = read_time("deadline");
        if (!request_.deadline) return;
        if (*request_.deadline <= now_) {
            complain("deadline",
                     fmt::format("{} is in the past (now is {}); a later time is right, or "
                                 "none",
                                 to_rfc3339(*request_.deadline), to_rfc3339(now_)));
        } else if (request_.not_before && *request_.deadline <= *request_.not_before) {
            complain("deadline",
                     fmt::format("{} must be after not_before, which is {}",
                                 to_rfc3339(*request_.deadline), to_rfc3339(*request_.not_before)));
        }
    }

    void read_output() {
        const auto text = read_text("output", " (a file name template)");
        if (!text || text->empty()) return;
        if (const auto checked = check_template(*text); !checked) {
            complain("output", checked.error().context());
            return;
        }
        request_.output = *text;
    }

    void read_labels() {
        const json::value* value = given("labels");
        if (value == nullptr) return;
        const auto* labels = value->if_object();
        if (labels == nullptr) {
            complain("labels", fmt::format("must be a flat JSON object of texts such as "
                                           "{{\"scene\": \"12\"}}, not {}",
                                           kind_of(*value)));
            return;
        }
        if (labels->size() > limits_.label_count) {
            complain("labels", fmt::format("has {} members; at most {} are taken", labels->size(),
                                           limits_.label_count));
            return;
        }
        for (const auto& [key, label] : *labels)
            read_label(key, label);
    }

    // SQLite has no truth values: a row says 1.
    void read_unchecked() {
        const json::value* value = given("unchecked");
        if (value == nullptr) return;
        if (const auto flag = truth_of(*value)) {
            request_.unchecked = *flag;
        } else {
            complain("unchecked", fmt::format("must be true or false (in a row 1 or 0), not {}",
                                              kind_of(*value)));
        }
    }

    // What it says goes into the job's files.
    void check_reuse() {
        const json::value* value = given("reuse_uploads");
        if (value != nullptr && !value->is_bool()) {
            complain("reuse_uploads",
                     fmt::format("must be true or false, not {}", kind_of(*value)));
        }
    }

    void read_label(std::string_view key, const json::value& value) {
        const std::string field = fmt::format("labels.{}", clip_utf8(key, 64));
        if (!is_job_id(key)) {  // labels have names of the same shape
            complain(field,
                     fmt::format("{} is no label name; 1 to 64 of the characters A-Z a-z 0-9 . "
                                 "_ - are right",
                                 quoted(key)));
        } else if (!value.is_string()) {
            complain(field, fmt::format("must be a text, not {}", kind_of(value)));
        } else if (!is_utf8(value.get_string())) {
            complain(field, "must be valid UTF-8");
        } else if (value.get_string().size() > label_value_bytes_max) {
            complain(field, fmt::format("has {} bytes; at most {} are taken",
                                        value.get_string().size(), label_value_bytes_max));
        } else {
            request_.labels[std::string(key)] = std::string(value.get_string());
        }
    }

    void refuse_other_members() {
        for (const auto& member : object_) {
            const std::string_view name = member.key();
            if (!contains(known_members, name))
                complain(std::string(clip_utf8(name, 64)), why_not(name));
        }
    }

    static std::string why_not(std::string_view name) {
        if (contains(read_only_members, name)) {
            return "is read only: the daemon writes it; leave it out";
        }
        if (contains(input_members, name)) {
            return "is no member of a job; what the model takes belongs into \"input\"";
        }
        const std::string_view nearest = nearest_name(name, known_members);
        if (!nearest.empty()) {
            return fmt::format("is unknown; did you mean \"{}\"?", nearest);
        }
        return fmt::format("is unknown; a job has the members {}", listed(known_members));
    }

    const json::object& object_;
    Instant now_;
    const IntakeLimits& limits_;
    JobRequest request_;
    std::vector<FieldError> errors_;
};

}  // namespace

std::optional<bool> truth_of(const json::value& value) {
    if (value.is_bool()) return value.get_bool();
    if (value == json::value(1)) return true;
    if (value == json::value(0)) return false;
    return std::nullopt;
}

Intake parse_job(const json::value& value, Instant now, const IntakeLimits& limits) {
    const auto* object = value.if_object();
    if (object == nullptr) {
        return std::vector<FieldError>{
            {"", fmt::format("a job must be a JSON object with \"model\" and \"input\", not {}",
                             kind_of(value))}};
    }
    return Reader(*object, now, limits).read();
}

}  // namespace reeld::domain
