#include "base/sse_reader.hpp"

namespace reeld {

std::vector<SseEvent> SseReader::feed(std::string_view bytes) {
    std::vector<SseEvent> events;
    rest_ += bytes;
    std::size_t at = 0;
    while (true) {
        const auto end = rest_.find('\n', at);
        if (end == std::string::npos) break;
        std::string_view line(rest_.data() + at, end - at);
        if (line.ends_with('\r')) line.remove_suffix(1);
        take_line(line, events);
        at = end + 1;
    }
    rest_.erase(0, at);
    return events;
}

void SseReader::reset() {
    rest_.clear();
    open_ = {};
    has_data_ = false;
    open_id_ = last_id_;
}

void SseReader::take_line(std::string_view line, std::vector<SseEvent>& events) {
    if (line.empty()) {
        last_id_ = open_id_;
        if (has_data_) {
            open_.id = last_id_;
            if (open_.event.empty()) open_.event = "message";
            events.push_back(std::move(open_));
        }
        open_ = {};
        has_data_ = false;
        return;
    }
    const auto colon = line.find(':');
    if (colon == 0) return;  // a comment
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    take_field(line.substr(0, colon), value);
}

void SseReader::take_field(std::string_view name, std::string_view value) {
    if (name == "id") {
        // It goes back in a header, where these have no place.
        if (value.find_first_of(std::string_view("\r\0", 2)) == std::string_view::npos) {
            open_id_ = value;
        }
    } else if (name == "event") {
        open_.event = value;
    } else if (name == "data") {
        if (has_data_) open_.data.push_back('\n');
        open_.data += value;
        has_data_ = true;
    }
}

}  // namespace reeld
