#include "store/chain_walk.hpp"

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "store/chain.hpp"

namespace reeld::store {
namespace {

constexpr std::string_view content_changed = "its content was changed after it was written";
constexpr std::string_view hash_changed = "its stored hash was changed";
constexpr std::string_view no_fit = "it does not follow from what stands before it";

}  // namespace

ChainWalk::ChainWalk(ChainHead head, std::optional<NotedHead> noted)
    : head_(std::move(head)),
      noted_(std::move(noted)),
      id_(head_.base_id),
      hash_(head_.base_hash),
      pruned_(static_cast<std::uint64_t>(head_.base_id)) {
    if (head_.highest_id != head_.last_id) {
        add("head", TrailLink{},
            fmt::format("the head of the chain knows {} events, and {} were written", head_.last_id,
                        head_.highest_id));
    }
    if (noted_ && noted_->id < head_.base_id) {
        add("noted_head", TrailLink{},
            fmt::format("the noted head is event {}, and of the events up to {} retention has left "
                        "nothing that could prove it",
                        noted_->id, head_.base_id));
        noted_.reset();
    } else if (noted_ && noted_->id > head_.last_id) {
        add("noted_head", TrailLink{},
            fmt::format("the noted head is event {}, and the chain ends at {}", noted_->id,
                        head_.last_id));
        noted_.reset();
    }
    check_noted();
}

void ChainWalk::add(std::string check, const TrailLink& link, std::string what) {
    found_.push_back({std::move(check), link.id, link.number, link.job, std::move(what)});
}

void ChainWalk::take(const ChainHead& now, const std::vector<TrailLink>& links) {
    move_base(now);
    for (const TrailLink& link : links) {
        if (link.id <= id_) continue;
        if (link.id > head_.last_id) return;
        pass(link);
    }
}

void ChainWalk::move_base(const ChainHead& now) {
    if (now.base_id <= id_) return;
    // What lay in between was pruned while we walked; the rest of the chain starts there.
    settle_doubt(no_fit);
    pruned_ += static_cast<std::uint64_t>(now.base_id - id_);
    id_ = now.base_id;
    hash_ = now.base_hash;
    known_ = true;
    moved_ = true;
}

void ChainWalk::pass(const TrailLink& link) {
    if (link.id != id_ + 1) {
        settle_doubt(no_fit);
        const bool one = link.id == id_ + 2;
        add("events_missing", TrailLink{},
            one ? fmt::format("event {} is missing", id_ + 1)
                : fmt::format("events {} to {} are missing", id_ + 1, link.id - 1));
        known_ = false;
    }
    id_ = link.id;
    if (link.pruned) {
        ++pruned_;
        hash_ = next_hash(hash_, link.digest);
        if (doubt_) doubt_->computed = next_hash(doubt_->computed, link.digest);
    } else {
        ++kept_;
        check_link(link);
        check_evidence(link);
    }
    check_noted();
}

void ChainWalk::check_link(const TrailLink& link) {
    if (!link.has_job) {
        add("job_missing", link,
            link.job.empty() ? std::string("its job is not there")
                             : fmt::format("the row of its job {} is not there", link.job.str()));
    }
    if (link.hash.empty()) {
        // The next one follows what stood before this one, which no reeld has written.
        settle_doubt(no_fit);
        add("event_without_hash", link, "it has no hash: something else than reeld wrote it");
        return;
    }
    const std::string computed = next_hash(hash_, link.digest);
    if (!known_) {
        // Only the next one can tell.
        known_ = true;
        doubt_.reset();
        hash_ = link.hash;
        return;
    }
    if (computed == link.hash) {
        settle_doubt(content_changed);
        hash_ = link.hash;
        return;
    }
    if (doubt_ && next_hash(doubt_->computed, link.digest) == link.hash) {
        settle_doubt(hash_changed);
        hash_ = link.hash;
        return;
    }
    settle_doubt(no_fit);
    doubt_ = Doubt{link, computed};
    hash_ = link.hash;
}

void ChainWalk::settle_doubt(std::string_view what) {
    if (!doubt_) return;
    add("event_changed", doubt_->link, std::string(what));
    doubt_.reset();
}

void ChainWalk::check_evidence(const TrailLink& link) {
    if (!link.evidence) {
        if (!link.evidence_hash.empty()) ++evidence_pruned_;
        return;
    }
    ++evidence_;
    if (!link.evidence_now) {
        add("evidence_missing", link, fmt::format("its evidence {} is missing", *link.evidence));
    } else if (*link.evidence_now != link.evidence_hash) {
        add("evidence_changed", link,
            fmt::format("its evidence {} was changed: SHA-256 {}, written as {}", *link.evidence,
                        to_hex(*link.evidence_now), to_hex(link.evidence_hash)));
    }
}

void ChainWalk::check_noted() {
    if (!noted_ || id_ < noted_->id) return;
    if (id_ == noted_->id && hash_ != noted_->hash) {
        add("noted_head", TrailLink{},
            fmt::format("the chain does not lead through the noted head: at event {} it is {}, "
                        "noted was {}",
                        id_, to_hex(hash_), to_hex(noted_->hash)));
    } else if (id_ > noted_->id) {
        add("noted_head", TrailLink{},
            fmt::format("event {}, of the noted head, was not there to be compared", noted_->id));
    }
    noted_.reset();
}

void ChainWalk::finish() {
    if (id_ < head_.last_id) {
        settle_doubt(no_fit);
        const bool one = id_ + 1 == head_.last_id;
        add("events_missing", TrailLink{},
            one ? fmt::format("event {}, the newest one, is missing", head_.last_id)
                : fmt::format("events {} to {}, the newest ones, are missing", id_ + 1,
                              head_.last_id));
        check_noted();
        return;
    }
    const bool comparable = id_ == head_.last_id && known_ && !moved_;
    if (!comparable || hash_ == head_.hash) return settle_doubt(content_changed);
    if (doubt_ && doubt_->computed == head_.hash) return settle_doubt(hash_changed);
    settle_doubt(no_fit);
    add("head", TrailLink{},
        fmt::format("the head of the chain is {}, and its events lead to {}", to_hex(head_.hash),
                    to_hex(hash_)));
}

}  // namespace reeld::store
