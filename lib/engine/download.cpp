#include "engine/download.hpp"

#include <fmt/format.h>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

#include "base/crash_point.hpp"
#include "base/crypto.hpp"
#include "base/retry_branch.hpp"
#include "domain/media_kind.hpp"
#include "engine/fetch_policy.hpp"
#include "engine/part_file.hpp"
#include "engine/part_sink.hpp"

namespace reeld::engine {
namespace {

using domain::event::FetchFailed;
using domain::event::FetchProblem;
using domain::event::OutputStored;

constexpr std::size_t block_bytes = 256 * 1024;

FetchFailed failure(FetchProblem problem, std::string code, std::string message) {
    FetchFailed event;
    event.problem = problem;
    event.error.code = std::move(code);
    event.error.message = std::move(message);
    return event;
}

FetchFailed path_taken() {
    return failure(FetchProblem::retry, "path_taken", "another file stands under the planned name");
}

awaitable<Result<std::string>> hash_file(const runtime::File& file, std::uint64_t size) {
    Sha256 sha;
    std::string block(block_bytes, '\0');
    std::uint64_t at = 0;
    while (at < size) {
        const auto got = file.read_at(at, std::span<char>(block.data(), block.size()));
        if (!got) co_return got.error();
        if (*got == 0) co_return Error(ErrorCode::corrupt, "the file ended while it was read");
        sha.update(std::string_view(block.data(), *got));
        at += *got;
        co_await runtime::asio::post(runtime::asio::use_awaitable);
    }
    co_return sha.hex_digest();
}

// A process that died after the rename may have died before the flush of the folder.
awaitable<bool> make_durable(runtime::FileSystem& files, std::string target) {
    const Status flushed = co_await files.publish(target, target);
    co_return flushed.has_value();
}

// The folders between the outputs and a target.
Status make_folder_of(runtime::FileSystem& files, const std::string& outputs,
                      const std::string& target) {
    if (!target.starts_with(outputs + "/")) return ok();
    const std::string relative = target.substr(outputs.size() + 1);
    const std::size_t slash = relative.rfind('/');
    if (slash == std::string::npos) return ok();
    return files.make_folders(outputs, relative.substr(0, slash));
}

// One fetch from its begin to its end.
class Fetch {
  public:
    Fetch(const DownloadDeps& deps, DownloadConfig config, FetchTask task)
        : deps_(deps),
          config_(std::move(config)),
          task_(std::move(task)),
          part_(deps.files, task_.part, task_.url) {}

    awaitable<domain::Event> run() {
        ends_ = deps_.clock.monotonic() + config_.total_timeout;
        auto problem = prepare();
        if (!problem) problem = co_await open_part();
        if (!problem && task_.content) problem = co_await write_content();
        if (!problem && !task_.content) problem = co_await transfer();
        if (!problem) problem = check_size();
        if (!problem) problem = probe();
        if (!problem) problem = co_await publish();
        if (problem) {
            problem->index = task_.index;
            co_return domain::Event(std::move(*problem));
        }
        co_return domain::Event(std::move(stored_));
    }

  private:
    using Problem = std::optional<FetchFailed>;

    // All that can be refused before the disk or the network is touched.
    Problem prepare() {
        const std::string root = config_.outputs + "/";
        if (!task_.target.starts_with(root) || task_.target.ends_with('/') ||
            task_.target.find("/../") != std::string::npos) {
            return failure(FetchProblem::refused, "outside_outputs",
                           "the planned path lies outside of the outputs folder");
        }
        if (task_.expected_bytes && *task_.expected_bytes > config_.max_bytes) {
            return problem_of_error(Error(
                ErrorCode::too_large,
                fmt::format("the file has {}; downloads.max_bytes allows {}",
                            format_size(*task_.expected_bytes), format_size(config_.max_bytes))));
        }
        if (!task_.content) {
            const auto hop = check_hop(task_.url, hosts());
            if (!hop) return problem_of_error(hop.error());
        }
        const Status made = make_folder_of(deps_.files, config_.outputs, task_.target);
        return made ? Problem() : problem_of_disk(made.error());
    }

    awaitable<Problem> open_part() {
        if (deps_.files.exists(task_.target)) {
            // What stands there may be what this fetch published before its process died: unless
            // its size says otherwise, the file is fetched again and compared with it. A part
            // beside it is of such a comparison that was cut short.
            static_cast<void>(part_.discard());
            const auto target = deps_.files.open_read(task_.target);
            if (!target) co_return Problem(path_taken());
            const auto size = (*target)->size();
            if (size && task_.expected_bytes && *size != *task_.expected_bytes) {
                co_return Problem(path_taken());
            }
            if (size) taken_bytes_ = *size;
        }
        const auto opened = co_await part_.open();
        if (!opened) co_return Problem(problem_of_disk(opened.error()));
        const std::uint64_t expected = task_.expected_bytes.value_or(0);
        const std::uint64_t missing = expected - std::min(expected, part_.bytes());
        const auto room =
            check_room(deps_.files, config_.outputs, missing, config_.disk_reserve_bytes);
        if (!room) co_return Problem(problem_of_disk(room.error()));
        co_return Problem();
    }

    // Asks until the part is whole: through redirects, and once more from the begin when the part
    // turns out to be of another file.
    awaitable<Problem> transfer() {
        if (part_.bytes() > 0 && part_.total() == part_.bytes()) co_return Problem();
        std::string url = task_.url;
        for (int hops = 0; hops <= config_.redirects_max;) {
            const auto hop = check_hop(url, hosts());
            if (!hop) co_return Problem(problem_of_error(hop.error()));
            PartSink sink(part_, sink_limits(), part_.bytes() > 0, deps_.clock, deps_.files);
            Exchange exchange = co_await ask(*hop, sink);
            crash_point::pass(CrashPoint::fetch_body_read);
            if (sink.answer() == FetchAnswer::redirect) {
                const std::string* location = sink.head().headers.find("Location");
                const auto next = resolve_location(url, location == nullptr ? "" : *location);
                if (!next) co_return Problem(bad_redirect("a redirect that leads nowhere"));
                url = *next;
                ++hops;
                continue;
            }
            // At most once: of an empty part no rest is asked for.
            if (sink.answer() == FetchAnswer::restart) {
                retry_branch::taken(RetryBranch::fetch_begun_anew);
                const auto emptied = part_.restart({}, std::nullopt);
                if (!emptied) co_return Problem(problem_of_disk(emptied.error()));
                continue;
            }
            co_return settle(sink, exchange);
        }
        co_return Problem(
            bad_redirect(fmt::format("more than {} redirects", config_.redirects_max)));
    }

    // From the begin at every try: what an earlier one left costs less to write than to trust.
    awaitable<Problem> write_content() {
        const std::string& content = *task_.content;
        const auto emptied = part_.restart({}, content.size());
        if (!emptied) co_return Problem(problem_of_disk(emptied.error()));
        for (std::size_t at = 0; at < content.size(); at += block_bytes) {
            const auto written = part_.append(std::string_view(content).substr(at, block_bytes));
            if (!written) co_return Problem(problem_of_disk(written.error()));
            co_await runtime::asio::post(runtime::asio::use_awaitable);
        }
        crash_point::pass(CrashPoint::fetch_content_written);
        co_return Problem();
    }

    awaitable<Exchange> ask(FetchHop hop, PartSink& sink) {
        HttpRequest request;
        request.url = hop.url;
        request.headers.add("Accept", "*/*");
        // A transformed body has other bytes, other sizes and no ranges.
        request.headers.add("Accept-Encoding", "identity");
        if (part_.bytes() > 0) {
            retry_branch::taken(RetryBranch::fetch_continued);
            request.headers.add("Range", fmt::format("bytes={}-", part_.bytes()));
            request.headers.add("If-Range", part_.validator());
        }
        http::RequestOptions options;
        options.step_timeout = config_.stall_timeout;
        options.total_timeout = std::max(ends_ - deps_.clock.monotonic(), Millis{1});
        options.body_bytes_max = config_.max_bytes;
        options.allow_plain_http = hop.named;
        options.allow_private_addresses = hop.named;
        crash_point::pass(CrashPoint::fetch_request_leaves);
        try {
            co_return co_await deps_.client.stream(std::move(request), sink, std::move(options));
        } catch (...) {
            part_.checkpoint();
            throw;
        }
    }

    // What the last exchange leaves behind: a whole part, or a problem and a part to go on with.
    Problem settle(const PartSink& sink, const Exchange& exchange) {
        if (sink.answer() == FetchAnswer::whole) return std::nullopt;
        const bool refused = sink.problem() && sink.problem()->problem == FetchProblem::refused;
        if (refused || (sink.problem() && sink.problem()->error.code == "path_taken")) {
            static_cast<void>(part_.discard());
            return sink.problem();
        }
        const bool whole = sink.answer() == FetchAnswer::body &&
                           exchange.delivery == Delivery::answered && exchange.response.complete;
        if (whole) return std::nullopt;
        part_.checkpoint();
        if (sink.problem()) return sink.problem();
        if (sink.answer() == FetchAnswer::body && exchange.error.code() == ErrorCode::reset) {
            return cut_short();
        }
        return problem_of_error(exchange.error);
    }

    FetchFailed cut_short() const {
        const std::string of =
            part_.total() ? fmt::format(" of {}", *part_.total()) : std::string();
        return failure(FetchProblem::retry, "cut_short",
                       fmt::format("the server ended after {}{} bytes", part_.bytes(), of));
    }

    static FetchFailed bad_redirect(std::string message) {
        return failure(FetchProblem::retry, "redirects", std::move(message));
    }

    Problem check_size() {
        if (part_.total() && part_.bytes() < *part_.total()) {
            part_.checkpoint();
            return cut_short();
        }
        const auto wanted =
            part_.total() && part_.bytes() > *part_.total() ? part_.total() : task_.expected_bytes;
        if (!wanted || *wanted == part_.bytes()) return std::nullopt;
        std::string message =
            fmt::format("the file has {} bytes where {} were announced", part_.bytes(), *wanted);
        // "An HTML page" tells more than two numbers.
        const auto facts = look();
        if (!facts) message += ": " + facts.error().context();
        static_cast<void>(part_.discard());
        return failure(FetchProblem::retry, "size_mismatch", std::move(message));
    }

    Result<domain::MediaFacts> look() {
        const domain::ReadAt read = [this](std::uint64_t offset, std::span<char> out) {
            return part_.read_at(offset, out);
        };
        return domain::probe_promised(read, part_.bytes(), task_.kind, task_.content_type);
    }

    Problem probe() {
        const auto facts = look();
        if (facts) {
            stored_.content_type = facts->content_type;
            return std::nullopt;
        }
        if (facts.error().code() != ErrorCode::corrupt) return problem_of_disk(facts.error());
        static_cast<void>(part_.discard());
        return failure(FetchProblem::bad_media, "bad_media", facts.error().context());
    }

    awaitable<Problem> publish() {
        stored_.index = task_.index;
        stored_.path = task_.target;
        stored_.bytes = part_.bytes();
        stored_.sha256 = part_.sha256();
        const auto published =
            co_await deps_.files.publish(task_.part, task_.target, note_path(task_.part));
        if (published) {
            crash_point::pass(CrashPoint::fetch_published);
            co_return Problem();
        }
        if (published.error().code() == ErrorCode::conflict) {
            bool ours = co_await target_is_the_same();
            static_cast<void>(part_.discard());
            if (ours) ours = co_await make_durable(deps_.files, task_.target);
            if (ours) retry_branch::taken(RetryBranch::fetch_found_same);
            co_return ours ? Problem() : Problem(path_taken());
        }
        part_.checkpoint();
        co_return Problem(problem_of_disk(published.error()));
    }

    // A crash after the rename and before the commit leaves the very file that came again now.
    awaitable<bool> target_is_the_same() {
        const auto target = deps_.files.open_read(task_.target);
        if (!target) co_return false;
        const auto size = (*target)->size();
        if (!size || *size != stored_.bytes) co_return false;
        const auto hash = co_await hash_file(**target, *size);
        co_return hash&&* hash == stored_.sha256;
    }

    FetchHosts hosts() const { return FetchHosts{config_.allowed_hosts, config_.named_hosts}; }

    SinkLimits sink_limits() const {
        SinkLimits limits;
        limits.max_bytes = config_.max_bytes;
        limits.disk_reserve_bytes = config_.disk_reserve_bytes;
        limits.folder = config_.outputs;
        limits.expected_bytes = task_.expected_bytes;
        limits.taken_bytes = taken_bytes_;
        limits.stall_timeout = config_.stall_timeout;
        limits.ends = ends_;
        return limits;
    }

    DownloadDeps deps_;
    DownloadConfig config_;
    FetchTask task_;
    PartFile part_;
    Millis ends_{0};
    std::optional<std::uint64_t> taken_bytes_;
    OutputStored stored_;
};

}  // namespace

FetchTask make_fetch_task(const JobId& job, const domain::Output& output) {
    FetchTask task;
    task.job = job;
    task.index = output.index;
    task.url = output.url;
    task.target = output.path;
    task.part = part_path(output.path, job);
    task.expected_bytes = output.bytes;
    task.kind = output.kind;
    task.content_type = output.content_type;
    return task;
}

Downloader::Downloader(DownloadDeps deps, DownloadConfig config)
    : deps_(deps), config_(std::move(config)) {}

awaitable<domain::Event> Downloader::fetch(FetchTask task) {
    auto stored = co_await find_stored(task);
    if (stored) {
        retry_branch::taken(RetryBranch::fetch_found_stored);
        // First, so that the same flush of the folder makes its end durable.
        static_cast<void>(deps_.files.remove(note_path(task.part)));
        // The process that renamed it may have died before its folder's own name was durable.
        const Status folder = make_folder_of(deps_.files, config_.outputs, task.target);
        bool durable = folder.has_value();
        if (durable) durable = co_await make_durable(deps_.files, task.target);
        if (durable) co_return domain::Event(std::move(*stored));
        FetchFailed doubtful = path_taken();
        doubtful.index = task.index;
        co_return domain::Event(std::move(doubtful));
    }
    Fetch one(deps_, config_, std::move(task));
    co_return co_await one.run();
}

awaitable<std::optional<OutputStored>> Downloader::find_stored(FetchTask task) {
    if (!task.expected_bytes || deps_.files.exists(task.part) || !deps_.files.exists(task.target)) {
        co_return std::nullopt;
    }
    const auto file = deps_.files.open_read(task.target);
    if (!file) co_return std::nullopt;
    const auto size = (*file)->size();
    if (!size || *size != *task.expected_bytes) co_return std::nullopt;
    const domain::ReadAt read = [&](std::uint64_t offset, std::span<char> out) {
        return (*file)->read_at(offset, out);
    };
    const auto facts = domain::probe_promised(read, *size, task.kind, task.content_type);
    if (!facts) co_return std::nullopt;
    const auto hash = co_await hash_file(**file, *size);
    if (!hash) co_return std::nullopt;
    OutputStored stored;
    stored.index = task.index;
    stored.path = task.target;
    stored.bytes = *size;
    stored.sha256 = *hash;
    stored.content_type = facts->content_type;
    co_return std::optional<OutputStored>(std::move(stored));
}

Result<std::vector<std::string>> Downloader::remove_stale_parts(
    const std::string& folder, const std::function<bool(const std::string& part)>& is_owned) {
    return engine::remove_stale_parts(deps_.files, folder, is_owned);
}

}  // namespace reeld::engine
