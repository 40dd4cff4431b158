// Outputs of jobs and uploads of callers.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>

#include "base/encoding.hpp"
#include "sandbox/media.hpp"
#include "sandbox/products.hpp"
#include "sandbox/uploads.hpp"

namespace reeld::sandbox {

namespace {

constexpr std::size_t slow_bytes_per_second = 8 * 1024;

Answer not_found() {
    return json_answer(404, {{"detail", "Not Found"}});
}

// A mistake of one download, or of all of them when a mark asks for it.
std::optional<Answer> corrupt(World& world, Job& job, std::uint64_t at, const Product& product,
                              const Headers& headers) {
    const bool struck = world.strikes(Fault::media_corrupt, at, job.marks, job.downloads == 1);
    const bool coin = world.draws.below("corrupt_as", at, 2) == 0;
    if (job.marks.contains("html") || (struck && coin)) {
        return html_answer(200, "Service temporarily unavailable");
    }
    if (!job.marks.contains("cut") && !struck) return std::nullopt;
    return serve_bytes(product.bytes.substr(0, product.bytes.size() / 2), product.content_type,
                       headers, false);
}

bool is_over(const Call& call) {
    const auto until = call.target.get("until");
    return until && call.now > from_unix_ms(std::strtoll(until->c_str(), nullptr, 10));
}

// What comes in place of the file.
std::optional<Answer> withhold(World& world, const Call& call, Job& job, std::uint64_t at,
                               bool first) {
    constexpr std::array<int, 3> statuses{403, 404, 410};
    if (job.gone_status == 0 && first &&
        world.strikes(Fault::media_gone, job.post, job.marks, true)) {
        job.gone_status = statuses.at(world.draws.below("gone_as", job.post, 3));
    }
    if (job.gone_status != 0) return json_answer(job.gone_status, {{"detail", "Gone"}});
    if (is_over(call)) return json_answer(403, {{"detail", "Request has expired"}});
    if (first && world.strikes(Fault::media_404_once, job.post, job.marks, true)) {
        return not_found();
    }
    if (world.strikes(Fault::media_5xx, at, job.marks, first)) {
        Answer answer = html_answer(503, "503 Service Temporarily Unavailable");
        world.hint_retry(answer, at, call.now, Millis{20'000});
        return answer;
    }
    if (!call.target.get("moved") && world.strikes(Fault::media_redirect, at, job.marks, first)) {
        Answer answer = html_answer(302, "302 Found");
        answer.headers.add("Location", call.path + "?moved=1");
        return answer;
    }
    return std::nullopt;
}

Answer serve_output(World& world, const Call& call) {
    Job* job = world.queue.find(call.segments[2]);
    if (job == nullptr || job->stage != Stage::completed || job->outcome.status != 200) {
        return not_found();
    }
    const auto product = make_product(world, *job, call.segments[3]);
    if (!product) return not_found();
    if (call.segments[3] == picture_name) {
        return serve_bytes(product->bytes, product->content_type, call.headers, false);
    }
    const bool first = ++job->downloads == 1;
    const auto at = World::nth(*job, job->downloads);
    if (auto answer = withhold(world, call, *job, at, first)) return *answer;
    if (auto answer = corrupt(world, *job, at, *product, call.headers)) return *answer;
    const bool ignore_range = world.strikes(Fault::range_ignored, at, job->marks, first);
    const bool odd = world.strikes(Fault::media_odd_type, at, job->marks, first);
    Answer answer =
        serve_bytes(product->bytes, odd ? "text/html" : product->content_type, call.headers,
                    ignore_range);
    if (answer.body.empty() || call.method == "HEAD") return answer;
    if (world.strikes(Fault::media_truncated, at, job->marks, first)) {
        answer.cut_after = world.draws.below("truncate_at", at, answer.body.size());
    }
    if (world.strikes(Fault::media_slow, at, job->marks, first)) {
        answer.bytes_per_second = slow_bytes_per_second;
    }
    return answer;
}

Answer serve_upload(World& world, const Call& call) {
    const Upload* upload = world.storage.find(call.segments[2]);
    if (upload == nullptr || !upload->is_there(call.now)) return not_found();
    return serve_bytes(upload->bytes, upload->content_type, call.headers, false);
}

// Makes room for a file.
Upload& open_upload(World& world, std::string name, std::string type, Instant now) {
    if (name.empty()) name = "file";
    if (type.empty()) type = "application/octet-stream";
    const std::string id = to_hex(world.draws.bytes("upload", world.storage.count())).substr(0, 20);
    Upload& upload = world.storage.open(id, std::move(name), std::move(type), now);
    if (world.options.upload_life > Millis{0}) {
        upload.expires_at = now + world.options.upload_life;
    }
    return upload;
}

// Id and name, as they stand in URLs.
std::string tail_of(const Upload& upload) { return upload.id + "/" + percent_encode(upload.name); }

std::optional<Millis> wished_life(const Call& call) {
    const std::string* header = call.headers.find("X-Fal-Object-Lifecycle");
    const auto value = header == nullptr ? Result<json::value>(nullptr) : parse_json(*header);
    const auto* wish = value ? value->if_object() : nullptr;
    const auto seconds =
        wish == nullptr ? std::nullopt : find_int(*wish, "expiration_duration_seconds");
    if (!seconds) return std::nullopt;
    return std::chrono::seconds{*seconds};
}

Answer initiate(World& world, const Call& call) {
    const auto body = parse_json(call.body);
    if (!body || !body->is_object())
        return json_answer(400, {{"detail", "a JSON object is needed"}});
    const json::object& wish = body->get_object();
    Upload& upload = open_upload(world, find_string(wish, "file_name").value_or(""),
                                 find_string(wish, "content_type").value_or(""), call.now);
    if (const auto life = wished_life(call); life && !upload.expires_at) {
        upload.expires_at = call.now + *life;
    }
    const std::string tail = tail_of(upload);
    const std::string& base = world.options.public_url;
    const std::string sign =
        to_hex(world.draws.bytes("upload_url", world.storage.count())).substr(0, 16);
    return json_answer(200, {{"file_url", base + "/files/u/" + tail},
                             {"upload_url", base + "/storage/put/" + tail + "?sig=" + sign}});
}

std::optional<std::uint64_t> read_part(const std::string& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number == 0)
        return std::nullopt;
    return number;
}

Answer after(const Status& status, Answer good) {
    if (status) return good;
    const bool wrong = status.error().code() == ErrorCode::invalid;
    return json_answer(wrong ? 400 : 413, {{"detail", status.error().message()}});
}

std::vector<NamedPart> read_parts(const std::string& body) {
    std::vector<NamedPart> list;
    const auto value = parse_json(body);
    const auto* object = value ? value->if_object() : nullptr;
    const auto* parts = object == nullptr ? nullptr : find_array(*object, "parts");
    if (parts == nullptr) return list;
    for (const json::value& part : *parts) {
        const auto* one = part.if_object();
        if (one == nullptr) return {};
        const auto number = find_int(*one, "partNumber").value_or(0);
        list.push_back({static_cast<std::uint64_t>(number), find_string(*one, "etag").value_or("")});
    }
    return list;
}

// `rest` is what follows the file's name: nothing, a part's number or "complete". `in_order`: of two
// parts the earlier one must be there first.
Answer store_bytes(World& world, const Call& call, Upload& upload, const std::string& rest,
                   bool in_order) {
    if (call.method == "POST" && rest == "complete") {
        return after(world.storage.join(upload, read_parts(call.body)),
                     json_answer(200, json::object{}));
    }
    if (call.method != "PUT") return json_answer(405, {{"detail", "Method Not Allowed"}});
    if (call.body.size() > world.options.upload_call_max) {
        return json_answer(413, {{"detail", "File too large"}});
    }
    if (rest.empty()) return after(world.storage.put(upload, call.body), Answer{});
    const auto number = read_part(rest);
    if (!number) return not_found();
    if (in_order && *number > upload.parts.size() + 1) {
        return json_answer(400, {{"detail", fmt::format("part {} comes first",
                                                        upload.parts.size() + 1)}});
    }
    const std::string tag = etag_of(call.body);
    Answer good = json_answer(200, {{"partNumber", *number}, {"etag", tag}});
    good.headers.add("ETag", tag);
    return after(world.storage.put_part(upload, *number, call.body), std::move(good));
}

Answer take_bytes(World& world, const Call& call, const std::string& rest, bool in_order) {
    Upload* upload = world.storage.find(call.segments[2]);
    if (upload == nullptr) return not_found();
    const auto store = [&] { return store_bytes(world, call, *upload, rest, in_order); };
    return use_ticket(world, call, Dialect::fal, *upload, store);
}

Answer python_upload(World& world, const Call& call, bool in_parts) {
    const std::string* name = call.headers.find("x-fal-file-name");
    const std::string* type = call.headers.find("content-type");
    Upload& upload = open_upload(world, name != nullptr ? *name : "",
                                 type != nullptr ? *type : "", call.now);
    json::object answer{{"access_url", world.options.public_url + "/files/u/" + tail_of(upload)}};
    if (in_parts) {
        answer["uploadId"] = upload.id;
        return json_answer(200, answer);
    }
    return after(world.storage.put(upload, call.body), json_answer(200, answer));
}

Answer upload_token(World& world, Instant now) {
    return json_answer(200, {{"token", to_hex(world.draws.bytes("upload_token", 0))},
                             {"token_type", "Bearer"},
                             {"base_url", world.options.public_url},
                             {"expires_at", to_rfc3339(now + std::chrono::hours(1))}});
}

Answer refused() {
    return json_answer(401, {{"detail", "invalid key credentials"}});
}

}  // namespace

std::optional<Answer> answer_files(World& world, const Call& call) {
    const auto& at = call.segments;
    const bool reads = call.method == "GET" || call.method == "HEAD";
    const bool posts = call.method == "POST";
    if (reads && at.size() == 4 && call.has_prefix("/files/b/")) return serve_output(world, call);
    if (reads && at.size() == 4 && call.has_prefix("/files/u/")) return serve_upload(world, call);
    if (posts && call.has_prefix("/storage/") && !call.has_prefix("/storage/put/")) {
        if (!is_authorized(world, call)) return refused();
        if (call.path == "/storage/auth/token") return upload_token(world, call.now);
        const bool starts = call.path == "/storage/upload/initiate" ||
                            call.path == "/storage/upload/initiate-multipart";
        if (!starts) return not_found();
        const auto open = [&] { return initiate(world, call); };
        return start_upload(world, call, Dialect::fal, open);
    }
    if (call.has_prefix("/storage/put/") && (at.size() == 4 || at.size() == 5)) {
        return take_bytes(world, call, at.size() == 5 ? at[4] : "", true);
    }
    if (posts && (call.path == "/files/upload" || call.path == "/files/upload/multipart")) {
        if (call.headers.find("authorization") == nullptr) return refused();
        return python_upload(world, call, call.path.ends_with("multipart"));
    }
    if (call.has_prefix("/files/u/") && at.size() == 7 && at[4] == "multipart") {
        return take_bytes(world, call, at[6], false);
    }
    if (call.has_prefix("/files/") || call.has_prefix("/storage/")) return not_found();
    return std::nullopt;
}

}  // namespace reeld::sandbox
