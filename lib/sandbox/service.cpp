#include "sandbox/service.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "sandbox/products.hpp"
#include "sandbox/uploads.hpp"

namespace reeld::sandbox {

namespace {

constexpr std::string_view direct_host = "fal.run";
constexpr std::array<std::string_view, 8> known_hosts{
    direct_host,     "queue.fal.run", "rest.fal.ai", "rest.alpha.fal.ai", "v3.fal.media",
    "v3b.fal.media", "api.fal.ai",  "api.eachlabs.ai"};

Answer bad_request(std::string_view why) {
    return json_answer(400, {{"detail", why}});
}

// Nothing for a URL or target that is malformed, or whose host is not one of ours to play.
std::optional<std::string> read_target(const std::string& url, bool check_host) {
    if (!check_host && url.starts_with('/')) return url;
    const auto parts = parse_url(url);
    if (!parts) return std::nullopt;
    const bool known =
        std::find(known_hosts.begin(), known_hosts.end(), parts->host) != known_hosts.end();
    if (check_host && !known) return std::nullopt;
    // The one call that the queue's host has by the same path.
    if (parts->host == direct_host) return "/fal.run" + parts->target;
    return parts->target;
}

// Nothing when a segment holds a broken escape.
std::optional<std::vector<std::string>> split(const std::string& path) {
    std::vector<std::string> out;
    for (std::size_t from = 1; from < path.size();) {
        const auto slash = std::min(path.find('/', from), path.size());
        auto part = percent_decode(path.substr(from, slash - from));
        if (!part) return std::nullopt;
        out.push_back(std::move(*part));
        from = slash + 1;
    }
    return out;
}

// What a browser asks before it calls across origins.
Answer preflight(const Headers& headers) {
    Answer answer;
    answer.status = 204;
    const std::string* wanted = headers.find("access-control-request-headers");
    answer.headers.add("Access-Control-Allow-Methods", "GET, POST, PUT, HEAD, OPTIONS");
    answer.headers.add(
        "Access-Control-Allow-Headers",
        wanted != nullptr ? *wanted : "authorization, content-type, x-fal-target-url");
    return answer;
}

Answer route(World& world, const Call& call) {
    if (call.method == "OPTIONS") return preflight(call.headers);
    for (const auto& group : {answer_control, answer_files, answer_eachlabs, answer_platform,
                              answer_direct, answer_queue}) {
        if (auto answer = group(world, call)) return std::move(*answer);
    }
    return json_answer(404, {{"detail", "Path " + call.path + " not found"}});
}

}  // namespace

Service::Service(Options options) : world_(std::make_unique<World>(std::move(options))) {}
Service::~Service() = default;

Answer Service::handle(const HttpRequest& request, Instant now) {
    const std::string* forwarded = request.headers.find("x-fal-target-url");
    const auto text =
        read_target(forwarded != nullptr ? *forwarded : request.url, forwarded != nullptr);
    auto target = text ? http::parse_target(*text) : std::nullopt;
    if (!target) return bad_request("Invalid request");
    std::string path = target->path;
    while (path.size() > 1 && path.back() == '/') {
        path.pop_back();
    }
    auto segments = split(path);
    if (!segments) return bad_request("Invalid request");
    world_->advance(now);
    const Call call{request.method,
                    std::move(path),
                    std::move(*segments),
                    std::move(*target),
                    request.headers,
                    request.body,
                    now};
    Answer answer = route(*world_, call);
    world_->advance(now);
    answer.head_only = request.method == "HEAD";
    answer.headers.add("Access-Control-Allow-Origin", "*");
    return answer;
}

StreamStep Service::stream(StatusStream& state, Instant now) {
    return step_stream(*world_, state, now);
}

std::vector<WebhookDelivery> Service::due(Instant now) {
    world_->advance(now);
    return world_->webhooks.due(now);
}

void Service::delivered(std::uint64_t id, std::optional<int> status, Instant now) {
    world_->webhooks.delivered(id, status, now);
}

std::optional<Instant> Service::next_due() const {
    const auto job = world_->queue.next_event();
    const auto webhook = world_->webhooks.next_due();
    if (job && webhook) return std::min(*job, *webhook);
    return job ? job : webhook;
}

json::object Service::ledger() const {
    return write_ledger(*world_);
}
json::object Service::uploads() const {
    return write_uploads(*world_);
}
std::string Service::file_of(const std::string& request_id, std::string_view name) const {
    const Job* job = world_->queue.find(request_id);
    if (job == nullptr || job->outcome.status != 200) return {};
    const auto product = make_product(*world_, *job, name);
    return product ? product->bytes : std::string();
}
void Service::tell(std::function<void(Instant, const std::string&)> diary) {
    world_->diary = std::move(diary);
}
const Options& Service::options() const {
    return world_->options;
}
void Service::set_public_url(std::string url) {
    world_->options.public_url = std::move(url);
}

}  // namespace reeld::sandbox
