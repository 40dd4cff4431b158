#pragma once
// Server-sent events from bytes that come in any pieces.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace reeld {

struct SseEvent {
    std::string id;
    std::string event;  // "message" when not named
    std::string data;
};

class SseReader {
  public:
    // The events that `bytes` complete.
    std::vector<SseEvent> feed(std::string_view bytes);
    // The newest id of a complete block, with or without an event in it.
    const std::string& last_id() const { return last_id_; }
    // Bytes of what is not complete yet: for a reader that trusts nobody.
    std::size_t held() const { return rest_.size() + open_.data.size(); }
    // After a cut connection: drops what is incomplete, keeps last_id().
    void reset();

  private:
    void take_line(std::string_view line, std::vector<SseEvent>& events);
    void take_field(std::string_view name, std::string_view value);

    std::string rest_;
    SseEvent open_;
    bool has_data_ = false;
    std::string last_id_;
    std::string open_id_;
};

}  // namespace reeld
