#pragma once
// Follows the chain of the trail link by link and says where it does not hold.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/store.hpp"

namespace reeld::store {

struct ChainFinding {
    std::string check;       // stable, snake_case
    std::int64_t event = 0;  // id; 0: of none
    std::int64_t number = 0;  // within the job; 0: unknown
    JobId job;
    std::string what;        // one sentence
};

// A head that somebody wrote down: the chain must lead through it.
struct NotedHead {
    std::int64_t id = 0;
    std::string hash;  // 32 raw bytes
};

class ChainWalk {
  public:
    // From the base of `head` to its end. What comes later is not looked at.
    ChainWalk(ChainHead head, std::optional<NotedHead> noted);

    // Links in the order of their ids, with the head as it is when they are read: retention may have
    // moved the base meanwhile.
    void take(const ChainHead& now, const std::vector<TrailLink>& links);
    // After the last link: compares with the head. To be called once.
    void finish();

    std::int64_t at() const { return id_; }  // the newest id that was passed
    bool reached_end() const { return id_ >= head_.last_id; }
    std::uint64_t kept() const { return kept_; }
    std::uint64_t pruned() const { return pruned_; }
    std::uint64_t evidence() const { return evidence_; }
    std::uint64_t evidence_pruned() const { return evidence_pruned_; }
    // Those that were found since the last call.
    std::vector<ChainFinding> found() { return std::exchange(found_, {}); }

  private:
    void move_base(const ChainHead& now);
    void pass(const TrailLink& link);
    void check_link(const TrailLink& link);
    void check_evidence(const TrailLink& link);
    void check_noted();
    void settle_doubt(std::string_view what);
    void add(std::string check, const TrailLink& link, std::string what);

    ChainHead head_;
    std::optional<NotedHead> noted_;
    std::int64_t id_ = 0;
    std::string hash_;
    bool known_ = true;  // false after a gap: nothing tells what the next hash should follow
    // An event whose content and hash do not fit; what follows it tells which of them was changed.
    struct Doubt {
        TrailLink link;
        std::string computed;  // the hash that its content gives
    };
    std::optional<Doubt> doubt_;
    bool moved_ = false;
    std::uint64_t kept_ = 0;
    std::uint64_t pruned_ = 0;
    std::uint64_t evidence_ = 0;
    std::uint64_t evidence_pruned_ = 0;
    std::vector<ChainFinding> found_;
};

}  // namespace reeld::store
