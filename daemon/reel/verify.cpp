// verify: the daemon recomputes, this shows how far it is and what it found.
#include <optional>

#include "reel/live.hpp"
#include "reel/render_verify.hpp"
#include "reel/session.hpp"

namespace reeld::reel {
namespace {

constexpr std::size_t refusal_bytes_max = 64 * 1024;

// Lines of JSON: steps forward, then the report.
class ReportSink final : public http::BodySink {
  public:
    explicit ReportSink(std::function<void(const json::object&)> progress)
        : progress_(std::move(progress)) {}

    Status begin(const HttpResponse& head) override {
        status_ = head.status;
        return ok();
    }
    Status write(std::string_view bytes) override {
        rest_ += bytes;
        if (status_ != 200) {
            rest_.resize(std::min(rest_.size(), refusal_bytes_max));
            return ok();
        }
        std::size_t at = 0;
        for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', at)) {
            take(std::string_view(rest_).substr(at, end - at));
            at = end + 1;
        }
        rest_.erase(0, at);
        return ok();
    }

    int status() const { return status_; }
    const std::string& refusal() const { return rest_; }
    const std::optional<json::object>& report() const { return report_; }
    const std::string& report_line() const { return line_; }

  private:
    void take(std::string_view line) {
        auto value = parse_json(line);
        const auto* object = value ? value->if_object() : nullptr;
        if (object == nullptr) return;
        if (find_bool(*object, "ok")) {
            line_ = std::string(line) + "\n";
            report_ = *object;
        } else {
            progress_(*object);
        }
    }

    std::function<void(const json::object&)> progress_;
    int status_ = 0;
    std::string rest_;
    std::string line_;
    std::optional<json::object> report_;
};

}  // namespace

awaitable<Exit> run_verify(Session& session) {
    const std::string target =
        "/v1/verify" + query_text({{"files", session.options.no_files ? "false" : ""},
                                   {"since", session.options.since}});
    std::optional<Live> live;
    if (can_redraw(session.console.look_err())) live.emplace(session.console.err);
    const auto show = [&live](const json::object& progress) {
        if (live) live->draw({progress_line(progress)});
    };
    ReportSink sink(show);
    HttpRequest request = socket_request("GET", target, {});
    http::RequestOptions options = socket_options(session);
    options.total_timeout = Millis{0};
    options.body_bytes_max = UINT64_MAX;
    const Exchange exchange =
        co_await session.client.stream(std::move(request), sink, std::move(options));
    if (live) live->clear();
    live.reset();
    if (exchange.delivery == Delivery::answered && sink.status() != 200) {
        co_return report(session, failure_of_answer(sink.status(), sink.refusal()));
    }
    if (exchange.delivery != Delivery::answered) {
        co_return report(session, failure_of_exchange(exchange, session.socket));
    }
    if (!sink.report()) {
        const Failure broken(Exit::error, "the verification broke off",
                             "the daemon's log says why; start it again");
        co_return report(session, broken);
    }
    session.console.out(session.options.json
                            ? sink.report_line()
                            : render_report(*sink.report(), session.console.look_out()));
    co_return find_bool(*sink.report(), "ok").value_or(false) ? Exit::ok : Exit::error;
}

}  // namespace reeld::reel
