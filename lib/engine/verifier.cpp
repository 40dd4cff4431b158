#include "engine/verifier.hpp"

#include <fmt/format.h>

#include "base/encoding.hpp"

namespace reeld::engine {
namespace {

constexpr int links_per_slice = 100;
constexpr int seqs_per_page = 500;
constexpr std::size_t bytes_per_slice = 512 * 1024;

struct Page {
    store::ChainHead now;
    std::vector<store::TrailLink> links;
};

// A job with all that is stored of it, of one moment.
struct Whole {
    std::optional<domain::Job> job;
    std::vector<domain::Attempt> attempts;
    std::vector<store::AuditEntry> trail;
    std::vector<std::string> wrong_copies;
};

Whole read_whole(store::Tx& tx, std::int64_t seq) {
    Whole whole;
    whole.job = tx.find_job(seq);
    if (!whole.job) return whole;
    whole.attempts = tx.attempts(whole.job->request.id);
    whole.trail = tx.events(whole.job->request.id);
    whole.wrong_copies = tx.wrong_copies(*whole.job);
    return whole;
}

}  // namespace

Verifier::Verifier(store::Store& store, runtime::FileSystem& files, VerifyOptions options)
    : store_(store), files_(files), options_(std::move(options)), window_(bytes_per_slice) {
    report_.files_skipped = !options_.files;
}

Result<Verifier::Pace> Verifier::step() {
    Status status = ok();
    switch (stage_) {
        case Stage::begin: status = begin(); break;
        case Stage::trail: status = walk(); break;
        case Stage::jobs:
            if (opened_) {
                read_file();
            } else if (!to_hash_.empty()) {
                open_file();
            } else {
                status = next_job();
            }
            break;
        case Stage::database: {
            const auto found = database_->result();
            if (!found) return Pace::wait;
            for (const std::string& what : *found) add({"database", {}, 0, 0, {}, what});
            database_.reset();
            stage_ = Stage::done;
            break;
        }
        case Stage::done: break;
    }
    if (!status) return status.error();
    return stage_ == Stage::done ? Pace::done : Pace::again;
}

Status Verifier::begin() {
    const auto head = store_.transact([](store::Tx& tx) { return tx.chain_head(); });
    if (!head) return head.error();
    // Only for the progress: a state that nobody knows is told with its row.
    const auto counts = store_.transact([](store::Tx& tx) { return tx.count_by_state(); });
    if (counts) {
        for (const auto& count : *counts) jobs_total_ += static_cast<std::uint64_t>(count.second);
    }
    report_.head_id = head->last_id;
    report_.head_hash = to_hex(head->hash);
    base_ = head->base_id;
    walk_.emplace(*head, options_.noted);
    take_chain_findings();
    database_ = std::make_unique<store::DatabaseCheck>(store_.path());
    stage_ = Stage::trail;
    return ok();
}

Status Verifier::walk() {
    const auto page = store_.transact([this](store::Tx& tx) {
        Page read;
        read.now = tx.chain_head();
        read.links = tx.links_after(std::max(walk_->at(), read.now.base_id), links_per_slice);
        return read;
    });
    if (!page) return page.error();
    walk_->take(page->now, page->links);
    // What was written since the head was taken ends the walk too, also where the head's event is gone.
    if (page->links.empty() || walk_->reached_end() ||
        page->links.back().id >= report_.head_id) {
        walk_->finish();
        stage_ = Stage::jobs;
    }
    take_chain_findings();
    report_.events = walk_->kept();
    report_.events_pruned = walk_->pruned();
    report_.evidence = walk_->evidence();
    report_.evidence_pruned = walk_->evidence_pruned();
    return ok();
}

void Verifier::take_chain_findings() {
    for (store::ChainFinding& finding : walk_->found()) {
        if (finding.check == "job_missing" &&
            !without_row_.insert(finding.job.str()).second) {
            continue;
        }
        add({std::move(finding.check), std::move(finding.job), finding.event, finding.number, {},
             std::move(finding.what)});
    }
}

Status Verifier::next_job() {
    if (seqs_.empty()) {
        const auto seqs = store_.transact(
            [this](store::Tx& tx) { return tx.job_seqs_after(last_seq_, seqs_per_page); });
        if (!seqs) return seqs.error();
        seqs_.assign(seqs->begin(), seqs->end());
        if (seqs_.empty()) stage_ = Stage::database;
        return ok();
    }
    const std::int64_t seq = seqs_.front();
    seqs_.pop_front();
    last_seq_ = seq;
    const auto whole = store_.transact([seq](store::Tx& tx) { return read_whole(tx, seq); });
    if (!whole) {
        // A value that no version of this program has written: worth a line, not the end.
        add({"row_unreadable", {}, 0, 0, {},
             fmt::format("the job of seq {} cannot be read: {}", seq, whole.error().message())});
        return ok();
    }
    if (!whole->job) return ok();  // retention was here
    ++report_.jobs;
    report_.attempts += whole->attempts.size();
    check_job(*whole->job, whole->attempts, whole->trail, whole->wrong_copies);
    if (!options_.files || whole->job->state != domain::State::completed) return ok();
    for (const domain::Output& output : whole->job->outputs) {
        if (output.stored) to_hash_.emplace_back(*whole->job, output);
    }
    return ok();
}

void Verifier::check_job(const domain::Job& job, const std::vector<domain::Attempt>& attempts,
                         const std::vector<store::AuditEntry>& trail,
                         const std::vector<std::string>& wrong_copies) {
    const JobId& id = job.request.id;
    for (const domain::Violations& violations :
         {domain::check_trail(job, attempts, trail), domain::check_row(job),
          domain::check_attempts(job, attempts)}) {
        for (const domain::Violation& violation : violations) {
            add({std::string(violation.name), id, 0, 0, {}, violation.what});
        }
    }
    for (const std::string& name : wrong_copies) {
        add({"copies_agree", id, 0, 0, {}, name + " does not repeat what the job says"});
    }
}

void Verifier::open_file() {
    auto [job, output] = std::move(to_hash_.front());
    to_hash_.pop_front();
    Opened opened{std::move(job), std::move(output), nullptr, Sha256(), 0};
    ++report_.files;
    auto file = files_.open_read(opened.output.path);
    if (!file) {
        const bool missing = !files_.exists(opened.output.path);
        judge_file(opened, missing ? "file_missing" : "file_unreadable",
                   missing ? "it is not there: moved or deleted" : file.error().message());
        return;
    }
    opened.file = std::move(*file);
    const auto size = opened.file->size();
    if (!size) return judge_file(opened, "file_unreadable", size.error().message());
    if (*size != opened.output.bytes.value_or(0)) {
        judge_file(opened, "file_size",
                   fmt::format("it has {} bytes, {} were stored", *size,
                               opened.output.bytes.value_or(0)));
        return;
    }
    opened_.emplace(std::move(opened));
}

void Verifier::read_file() {
    const auto got = opened_->file->read_at(opened_->offset, window_);
    if (!got || *got > 0) {
        if (got) {
            opened_->hash.update(std::string_view(window_.data(), *got));
            opened_->offset += *got;
            report_.file_bytes += *got;
            return;
        }
        judge_file(*opened_, "file_unreadable", got.error().message());
    } else {
        const std::string sum = opened_->hash.hex_digest();
        if (sum != opened_->output.sha256) {
            judge_file(*opened_, "file_changed",
                       fmt::format("its SHA-256 is {}, stored was {}", sum,
                                   opened_->output.sha256));
        }
    }
    opened_.reset();
}

void Verifier::judge_file(const Opened& opened, std::string check, std::string what) {
    // Retention may have taken job and file since the row was read.
    const auto now = store_.transact([&](store::Tx& tx) { return tx.find_job(opened.job.seq); });
    if (now && !(*now && (*now)->outputs == opened.job.outputs)) return;
    add({std::move(check), opened.job.request.id, 0, 0, opened.output.path, std::move(what)});
}

void Verifier::add(Misfit misfit) {
    ++report_.problems;
    if (report_.misfits.size() < misfits_max) report_.misfits.push_back(std::move(misfit));
}

VerifyProgress Verifier::progress() const {
    VerifyProgress progress;
    progress.file_bytes = report_.file_bytes;
    if (stage_ == Stage::begin || stage_ == Stage::trail) {
        progress.stage = "trail";
        progress.total = static_cast<std::uint64_t>(report_.head_id - base_);
        if (walk_) progress.done = static_cast<std::uint64_t>(walk_->at() - base_);
    } else {
        progress.stage = stage_ == Stage::jobs ? "jobs" : "database";
        progress.done = report_.jobs;
        progress.total = std::max(jobs_total_, report_.jobs);
    }
    return progress;
}

}  // namespace reeld::engine
