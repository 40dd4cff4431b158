#include "engine/uploader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/crash_point.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"
#include "engine/job_writer.hpp"
#include "engine/provider_call.hpp"

namespace reeld::engine {
namespace {

using domain::InputFile;
using domain::Job;
using domain::Refusal;
using domain::event::InputUploaded;
using domain::event::UploadFailed;
using store::StoredUpload;

constexpr Millis look_again{1'000};
// A ticket with less life than this is not begun with.
constexpr Millis ticket_margin{30'000};

Refusal not_kept(const Error& error) {
    return upload_retry("database", fmt::format("the upload could not be written down: {}",
                                                error.message()));
}

std::size_t first_without_url(const Job& job, Instant now) {
    for (std::size_t i = 0; i < job.files.size(); ++i) {
        if (!domain::is_usable(job.files[i], now)) return i;
    }
    return job.files.size();
}

// The URL that the job has already.
InputUploaded as_it_is(const InputFile& file) {
    InputUploaded event;
    event.sha256 = file.sha256;
    event.url = file.url;
    event.uploaded_at = file.uploaded_at;
    event.expires_at = file.expires_at;
    event.how = fmt::format("{} is at the provider", named(file));
    return event;
}

}  // namespace

std::optional<Job> Uploader::load(const JobId& id) {
    auto found = core_.services.store.transact([&](store::Tx& tx) { return tx.find_job(id); });
    return found ? *found : std::nullopt;
}

// What cannot be read now is not given up for that.
bool Uploader::is_wanted(const JobId& id) {
    auto found = core_.services.store.transact([&](store::Tx& tx) { return tx.find_job(id); });
    return !found || (*found && domain::is_uploading(**found));
}

bool Uploader::is_wanted(const Work& work) {
    const auto at = flights_.find(key_of(work));
    const bool others = at != flights_.end() && at->second->waiting > 0;
    return others || is_wanted(work.job);
}

Uploader::Key Uploader::key_of(const Work& work) {
    return Key{work.provider, work.sha256, work.file.content_type};
}

void Uploader::count(const Work& work, std::string_view outcome) {
    core_.count("uploads", fmt::format("provider=\"{}\",outcome=\"{}\"", work.provider, outcome));
}

awaitable<void> Uploader::upload(JobId id) {
    for (;;) {
        std::optional<Job> job = load(id);
        if (!job || !domain::is_uploading(*job) || job->files.empty()) co_return;
        domain::Event event;
        const ProviderSetup* configured = core_.setup(job->provider);
        const std::size_t index = first_without_url(*job, core_.now());
        if (configured == nullptr) {
            UploadFailed failed;
            failed.refusal = upload_retry("not_configured", "the provider is not configured any more");
            event = std::move(failed);
        } else if (index == job->files.size()) {
            event = as_it_is(job->files.front());
        } else {
            Work work;
            work.job = id;
            work.provider = job->provider;
            work.setup = *configured;
            work.file = job->files[index];
            work.others = job->files;
            work.shown = {base_name(work.file.path), work.file.content_type, work.file.bytes};
            Outcome outcome = co_await bring(work);
            if (std::holds_alternative<Gone>(outcome)) co_return;
            if (auto* refusal = std::get_if<Refusal>(&outcome)) {
                count(work, "failed");
                UploadFailed failed;
                failed.refusal = std::move(*refusal);
                event = std::move(failed);
            } else {
                auto& uploaded = std::get<InputUploaded>(outcome);
                uploaded.index = index;
                event = std::move(uploaded);
            }
        }
        const bool failed = std::holds_alternative<UploadFailed>(event);
        const Written written = co_await record(core_, id, std::move(event), std::nullopt);
        crash_point::pass(CrashPoint::upload_outcome_durable);
        if (failed || written.kind == Written::Kind::missing) co_return;
    }
}

awaitable<Uploader::Outcome> Uploader::bring(Work& work) {
    auto opened = InputReader::open(core_, work.file);
    if (auto* refusal = std::get_if<Refusal>(&opened)) co_return std::move(*refusal);
    const InputReader& reader = std::get<InputReader>(opened);
    auto hashed = co_await reader.hash(core_, 0);
    if (auto* refusal = std::get_if<Refusal>(&hashed)) co_return std::move(*refusal);
    work.sha256 = std::get<FileHashes>(hashed).whole;
    crash_point::pass(CrashPoint::upload_file_read);
    if (work.file.as_data_uri) co_return inline_file(work, reader);
    if (!co_await wait_for_turn(work)) co_return Gone{};
    co_return co_await bring_alone(work, reader);
}

Uploader::Outcome Uploader::inline_file(const Work& work, const InputReader& reader) {
    auto read = reader.text();
    if (auto* refusal = std::get_if<Refusal>(&read)) return std::move(*refusal);
    const std::string& bytes = std::get<std::string>(read);
    if (sha256_hex(bytes) != work.sha256) return file_changed(work.file);
    InputUploaded event;
    event.sha256 = work.sha256;
    event.url = fmt::format("data:{};base64,{}", work.file.content_type, to_base64(bytes));
    event.uploaded_at = core_.now();
    event.how = fmt::format("{} goes within the input itself, {} bytes", named(work.file),
                            bytes.size());
    count(work, "inlined");
    return event;
}

// False: the job has left meanwhile.
awaitable<bool> Uploader::wait_for_turn(Work& work) {
    struct Waiting {
        std::shared_ptr<Flight> flight;
        explicit Waiting(std::shared_ptr<Flight> of) : flight(std::move(of)) { ++flight->waiting; }
        ~Waiting() { --flight->waiting; }
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;
    };
    for (;;) {
        const auto at = flights_.find(key_of(work));
        if (at == flights_.end()) co_return true;
        if (!work.joined) retry_branch::taken(RetryBranch::upload_joined);
        work.joined = true;
        const Waiting waiting(at->second);
        co_await ended_.wait_for(core_.services.clock, look_again);
        if (!is_wanted(work.job)) co_return false;
    }
}

std::optional<InputUploaded> Uploader::reuse(const Work& work, const StoredUpload& known) const {
    const Instant now = core_.now();
    for (const InputFile& other : work.others) {
        const bool same = !other.as_data_uri && other.sha256 == work.sha256 &&
                          other.content_type == work.file.content_type;
        if (!same || !domain::is_usable(other, now)) continue;
        InputUploaded event = as_it_is(other);
        event.how = fmt::format("{} is the same file as {}", named(work.file), other.field);
        return event;
    }
    if (work.file.fresh || known.file_url.empty()) return std::nullopt;
    const auto last = domain::last_use(known.uploaded_at, known.expires_at);
    if (last && now >= *last) return std::nullopt;
    return there(work, known, "is at the provider already and is used again");
}

InputUploaded Uploader::there(const Work& work, const StoredUpload& row,
                              std::string_view how) const {
    InputUploaded event;
    event.sha256 = work.sha256;
    event.url = row.file_url;
    event.uploaded_at = row.uploaded_at;
    event.expires_at = row.expires_at;
    event.how = fmt::format("{} {}, {}, SHA-256 {}", named(work.file), how,
                            format_size(work.file.bytes), work.sha256);
    return event;
}

awaitable<Uploader::Outcome> Uploader::bring_alone(Work& work, const InputReader& reader) {
    struct Landing {
        Uploader& uploader;
        Key key;
        ~Landing() {
            uploader.flights_.erase(key);
            uploader.ended_.ring();
        }
    };
    flights_[key_of(work)] = std::make_shared<Flight>();
    const Landing landing{*this, key_of(work)};
    StoredUpload row;
    const Status read = core_.services.store.transact([&](store::Tx& tx) {
        auto found = tx.find_upload(work.provider, work.sha256, work.file.content_type);
        if (found) row = std::move(*found);
    });
    if (!read) co_return not_kept(read.error());
    if (auto known = reuse(work, row)) {
        count(work, "reused");
        co_return std::move(*known);
    }
    const auto limits = work.setup.provider->upload_limits();
    if (!limits) {
        co_return input_refused("input_unsupported",
                                fmt::format("{}: {} stores no files; give a URL instead",
                                            work.file.field, work.provider));
    }
    if (work.file.bytes > limits->bytes_max) {
        co_return input_refused(
            "input_too_large", fmt::format("{}: {} takes files of at most {}, this one has {}",
                                           named(work.file), work.provider,
                                           format_size(limits->bytes_max),
                                           format_size(work.file.bytes)));
    }
    row.provider = work.provider;
    row.sha256 = work.sha256;
    row.content_type = work.file.content_type;
    row.bytes = work.file.bytes;
    co_return co_await start_and_send(work, reader, std::move(row));
}

awaitable<Uploader::Outcome> Uploader::start_and_send(Work& work, const InputReader& reader,
                                                      StoredUpload row) {
    UploadTicket ticket;
    auto going_on = ticket_of(row.ticket);
    const bool late = going_on && going_on->put_until &&
                      core_.now() + ticket_margin >= *going_on->put_until;
    if (going_on && !late) {
        retry_branch::taken(RetryBranch::upload_continued);
        ticket = std::move(*going_on);
        work.shown.name = row.name;
    } else {
        row.ticket.clear();
        row.etags.clear();
        row.name = work.shown.name;
        auto begun = co_await begin(work, row);
        if (auto* refusal = std::get_if<Refusal>(&begun)) co_return std::move(*refusal);
        ticket = std::get<UploadTicket>(std::move(begun));
    }
    auto stopped = co_await send_parts(work, reader, ticket, row);
    if (!stopped) {
        auto refused = co_await join_parts(work, ticket, row);
        if (refused) stopped = std::move(*refused);
    }
    if (!stopped) {
        if (auto changed = reader.changed()) stopped = std::move(*changed);
    }
    if (!stopped) co_return finish(work, ticket, std::move(row));
    if (std::holds_alternative<Gone>(*stopped)) co_return Gone{};
    Refusal refusal = std::get<Refusal>(std::move(*stopped));
    // Neither is a dead place of use, nor what was sent of a file that is another one now.
    const bool useless = is_ticket_trouble(refusal) ||
                         refusal.kind == domain::RefusalKind::permanent;
    if (is_ticket_trouble(refusal)) retry_branch::taken(RetryBranch::upload_ticket_refused);
    if (useless && !row.ticket.empty()) {
        row.ticket.clear();
        row.etags.clear();
        auto unkept = co_await keep(std::move(row));
        if (unkept) co_return std::move(*unkept);
    }
    co_return refusal;
}

awaitable<std::variant<UploadTicket, Refusal>> Uploader::begin(const Work& work,
                                                               StoredUpload& row) {
    auto request = work.setup.provider->build_upload_start(work.shown);
    crash_point::pass(CrashPoint::upload_start_leaves);
    const Exchange exchange = co_await exchange_with(core_, work.setup, std::move(request));
    crash_point::pass(CrashPoint::upload_ticket_read);
    auto answer = work.setup.provider->read_upload_start(work.shown, exchange, core_.now());
    if (auto* refusal = std::get_if<Refusal>(&answer)) co_return std::move(*refusal);
    UploadTicket ticket = std::get<UploadTicket>(std::move(answer));
    for (const std::string* url : {&ticket.put_url, &ticket.file_url}) {
        const auto allowed = check_upload_url(*url, core_.config.downloads.named_hosts);
        if (!allowed) {
            Refusal refusal = input_refused("upload_refused", allowed.error().context());
            refusal.reason = domain::Reason::provider_error;
            co_return refusal;
        }
    }
    // The whole in one begins anew anyway: its place needs no remembering.
    if (ticket.part_bytes == 0) co_return ticket;
    row.ticket = ticket_text(ticket);
    row.started_at = core_.now();
    auto unkept = co_await keep(row);
    if (unkept) co_return std::move(*unkept);
    crash_point::pass(CrashPoint::upload_ticket_durable);
    co_return ticket;
}

awaitable<std::optional<Refusal>> Uploader::keep(StoredUpload row) {
    const Status written =
        core_.services.store.transact([&](store::Tx& tx) { tx.save_upload(row); });
    const Status durable = co_await core_.commit.durable();
    if (!written) co_return not_kept(written.error());
    if (!durable) co_return not_kept(durable.error());
    co_return std::nullopt;
}

awaitable<std::optional<Uploader::Trouble>> Uploader::send_parts(const Work& work,
                                                                 const InputReader& reader,
                                                                 const UploadTicket& ticket,
                                                                 StoredUpload& row) {
    std::vector<std::string> hashes{work.sha256};
    if (ticket.part_bytes != 0) {
        auto hashed = co_await reader.hash(core_, ticket.part_bytes);
        if (auto* refusal = std::get_if<Refusal>(&hashed)) co_return std::move(*refusal);
        FileHashes& all = std::get<FileHashes>(hashed);
        if (all.whole != work.sha256) co_return file_changed(work.file);
        hashes = std::move(all.parts);
    }
    const int parts = part_count(ticket, work.file.bytes);
    for (int number = static_cast<int>(row.etags.size()) + 1; number <= parts; ++number) {
        const PartRange range = part_range(ticket, work.file.bytes, number);
        auto sent = co_await send_part(work, reader, ticket, range, number,
                                       hashes.at(static_cast<std::size_t>(number - 1)));
        if (auto* refusal = std::get_if<Refusal>(&sent)) co_return std::move(*refusal);
        if (std::holds_alternative<Gone>(sent)) co_return Gone{};
        row.etags.push_back(std::get<std::string>(std::move(sent)));
        if (ticket.part_bytes == 0) continue;
        auto unkept = co_await keep(row);
        if (unkept) co_return std::move(*unkept);
        crash_point::pass(CrashPoint::upload_part_durable);
    }
    co_return std::nullopt;
}

http::RequestOptions Uploader::storage_options(bool named_host) const {
    const DownloadSetup& downloads = core_.config.downloads;
    http::RequestOptions options;
    options.step_timeout = downloads.stall_timeout;
    options.total_timeout = downloads.total_timeout;
    options.allow_plain_http = named_host;
    options.allow_private_addresses = named_host;
    return options;
}

awaitable<std::variant<std::string, Refusal, Uploader::Gone>> Uploader::send_part(
    const Work& work, const InputReader& reader, const UploadTicket& ticket, PartRange range,
    int number, const std::string& sha256) {
    auto request = work.setup.provider->build_upload_part(ticket, work.shown, number);
    if (!request) co_return upload_retry("upload_part", request.error().context());
    const auto allowed = check_upload_url(request->url, core_.config.downloads.named_hosts);
    if (!allowed) co_return input_refused("upload_refused", allowed.error().context());
    http::RequestOptions options = storage_options(*allowed);
    std::function<bool()> wanted = [this, &work] { return is_wanted(work); };
    FileBody body(reader.file(), range.offset, range.bytes, std::move(wanted));
    HttpRequest put = std::move(*request);
    crash_point::pass(CrashPoint::upload_part_leaves);
    const Exchange exchange =
        co_await core_.services.client.send_from(std::move(put), body, std::move(options));
    crash_point::pass(CrashPoint::upload_part_read);
    if (body.is_unwanted()) co_return Gone{};
    if (body.is_short()) co_return file_changed(work.file);
    if (body.trouble()) {
        co_return upload_retry("input_unreadable",
                               fmt::format("{}: {} cannot be read: {}", work.file.field,
                                           work.file.path, body.trouble()->message()));
    }
    auto read = work.setup.provider->read_upload_part(ticket, exchange);
    if (auto* refusal = std::get_if<Refusal>(&read)) {
        co_return storage_refusal(std::move(*refusal), ticket);
    }
    if (!body.is_whole()) {
        co_return upload_retry("upload_cut", "the storage answered before the file was there");
    }
    if (body.sha256() != sha256) co_return file_changed(work.file);
    core_.count("upload_bytes", fmt::format("provider=\"{}\"", work.provider), range.bytes);
    co_return std::get<std::string>(std::move(read));
}

awaitable<std::optional<Refusal>> Uploader::join_parts(const Work& work,
                                                       const UploadTicket& ticket,
                                                       const StoredUpload& row) {
    auto request = work.setup.provider->build_upload_end(ticket, row.etags);
    if (!request) co_return std::nullopt;
    const auto allowed = check_upload_url(request->url, core_.config.downloads.named_hosts);
    if (!allowed) co_return input_refused("upload_refused", allowed.error().context());
    http::RequestOptions options = storage_options(*allowed);
    HttpRequest end = std::move(*request);
    const Exchange exchange =
        co_await core_.services.client.send(std::move(end), std::move(options));
    crash_point::pass(CrashPoint::upload_end_read);
    auto refusal = work.setup.provider->read_upload_end(exchange);
    if (refusal) refusal = storage_refusal(std::move(*refusal), ticket);
    co_return refusal;
}

// The row and what the job knows of it become durable with one commit.
InputUploaded Uploader::finish(const Work& work, const UploadTicket& ticket, StoredUpload row) {
    row.ticket.clear();
    row.etags.clear();
    row.started_at.reset();
    row.file_url = ticket.file_url;
    row.uploaded_at = core_.now();
    row.expires_at = ticket.expires_at;
    const Status written =
        core_.services.store.transact([&](store::Tx& tx) { tx.save_upload(row); });
    if (!written) {
        log::warning("engine", "an upload is not remembered for other jobs",
                     {{"job", work.job.str()}, {"error", written.error().message()}});
    }
    count(work, "uploaded");
    return there(work, row, "is uploaded");
}

}  // namespace reeld::engine
