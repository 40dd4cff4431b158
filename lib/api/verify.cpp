#include "api/verify.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "api/json_text.hpp"
#include "api/query.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"

namespace reeld::api {
namespace {

constexpr Millis progress_interval{500};
constexpr Millis database_look{50};
constexpr std::size_t hash_bytes = 32;

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value number_or_null(std::int64_t number) {
    return number == 0 ? json::value(nullptr) : json::value(number);
}

json::object misfit_json(const engine::Misfit& misfit) {
    json::object object;
    object["check"] = misfit.check;
    object["job"] = text_or_null(misfit.job.str());
    object["event"] = number_or_null(misfit.event);
    object["number"] = number_or_null(misfit.number);
    object["file"] = text_or_null(misfit.file);
    object["message"] = misfit.what;
    return object;
}

json::object progress_json(const engine::VerifyProgress& progress) {
    json::object object;
    object["stage"] = progress.stage;
    object["done"] = progress.done;
    object["total"] = progress.total;
    object["file_bytes"] = progress.file_bytes;
    return object;
}

class Verification final : public http::BodyProducer {
  public:
    Verification(engine::Control& control, runtime::Clock& clock, engine::VerifyOptions options,
                 bool& running)
        : control_(control), clock_(clock), options_(std::move(options)), running_(running) {
        running_ = true;
    }
    ~Verification() override { running_ = false; }

    http::awaitable<void> produce(http::BodyWriter& writer) override {
        const auto executor = co_await runtime::asio::this_coro::executor;
        verifier_ = control_.verifier(std::move(options_));
        Millis told = clock_.monotonic() - progress_interval;
        for (;;) {
            const auto pace = verifier_->step();
            if (!pace) co_return fail(writer, pace.error());
            if (*pace == engine::Verifier::Pace::done) break;
            if (clock_.monotonic() - told >= progress_interval) {
                told = clock_.monotonic();
                std::string line = json_text(progress_json(verifier_->progress())) + "\n";
                const Status sent = co_await writer.write(std::move(line));
                if (!sent) co_return;
            }
            if (*pace == engine::Verifier::Pace::wait) {
                co_await clock_.sleep_for(database_look);
            } else {
                // Everybody else first.
                co_await runtime::asio::post(executor, runtime::asio::use_awaitable);
            }
        }
        // The head that is shown is one that will be found again.
        const Status durable = co_await control_.read_barrier();
        if (!durable) co_return fail(writer, durable.error());
        std::string report = json_text(report_json(verifier_->report())) + "\n";
        const Status sent = co_await writer.write(std::move(report));
        if (!sent) co_return;
    }

  private:
    // A body that ends without a report says that there is none.
    static void fail(http::BodyWriter& writer, const Error& error) {
        log::error("api", "a verification ended: " + error.message());
        writer.abort();
    }

    engine::Control& control_;
    runtime::Clock& clock_;
    engine::VerifyOptions options_;
    bool& running_;
    std::unique_ptr<engine::Verifier> verifier_;
};

Problem wrong_since() {
    Problem problem(400, "invalid_parameter",
                    "since is a head that an earlier verification printed: the number of an event, "
                    "a colon and 64 hex digits.");
    problem.members["parameter"] = "since";
    return problem;
}

}  // namespace

std::variant<engine::VerifyOptions, Problem> read_verify_query(const http::Target& target) {
    engine::VerifyOptions options;
    const auto files = target.get("files");
    if (files && *files != "true" && *files != "false") {
        return Problem(400, "invalid_parameter", "files is true or false.");
    }
    options.files = files != "false";
    const auto since = target.get("since");
    if (!since || since->empty()) return options;
    const auto colon = std::min(since->find(':'), since->size());
    const auto id = read_count(std::string_view(*since).substr(0, colon));
    const auto hash =
        from_hex(std::string_view(*since).substr(std::min(colon + 1, since->size())));
    if (!id || !hash || hash->size() != hash_bytes) return wrong_since();
    options.noted = store::NotedHead{*id, *hash};
    return options;
}

json::object report_json(const engine::VerifyReport& report) {
    json::object object;
    object["ok"] = report.problems == 0;
    json::object head;
    head["id"] = report.head_id;
    head["hash"] = report.head_hash;
    object["head"] = std::move(head);
    object["events"] = report.events;
    object["events_pruned"] = report.events_pruned;
    object["evidence"] = report.evidence;
    object["evidence_pruned"] = report.evidence_pruned;
    object["jobs"] = report.jobs;
    object["attempts"] = report.attempts;
    object["files"] = report.files;
    object["file_bytes"] = report.file_bytes;
    object["files_skipped"] = report.files_skipped;
    object["problems"] = report.problems;
    json::array findings;
    for (const engine::Misfit& misfit : report.misfits) findings.push_back(misfit_json(misfit));
    object["findings"] = std::move(findings);
    return object;
}

std::unique_ptr<http::BodyProducer> make_verification(engine::Control& control,
                                                      runtime::Clock& clock,
                                                      engine::VerifyOptions options, bool& running) {
    return std::make_unique<Verification>(control, clock, std::move(options), running);
}

}  // namespace reeld::api
