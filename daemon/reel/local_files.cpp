#include "reel/local_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "domain/media_probe.hpp"

namespace reeld::reel {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece_bytes = 2 * 1024 * 1024;  // the daemon takes bodies of up to 4 MiB
constexpr std::uint64_t shown_from = 8 * 1024 * 1024;
constexpr int tries_max = 20;
constexpr Millis try_again{500};

bool is_file_url(std::string_view text) { return to_lower(text.substr(0, 7)) == "file://"; }

bool is_other_url(std::string_view text) {
    const std::string head = to_lower(text.substr(0, 8));
    return !is_file_url(text) &&
           (head.starts_with("data:") || text.find("://") != std::string_view::npos);
}

bool is_uri(const json::object* schema) {
    return schema != nullptr && find_string(*schema, "format") == "uri";
}

// "input.a[2]" shows as "a[2]".
using Visit = std::function<void(const std::string& field, const std::string& text,
                                 const json::object* schema)>;

void each_text(const json::value& value, const std::string& field, const json::object* schema,
               const Visit& visit) {
    if (const auto* text = value.if_string()) return visit(field, std::string(*text), schema);
    if (const auto* list = value.if_array()) {
        const auto* items = schema == nullptr ? nullptr : find_object(*schema, "items");
        for (std::size_t i = 0; i < list->size(); ++i) {
            each_text((*list)[i], fmt::format("{}[{}]", field, i), items, visit);
        }
    }
    const auto* object = value.if_object();
    if (object == nullptr) return;
    const auto* properties = schema == nullptr ? nullptr : find_object(*schema, "properties");
    for (const auto& member : *object) {
        const std::string_view name = member.key();
        each_text(member.value(), field.empty() ? std::string(name) : fmt::format("{}.{}", field, name),
                  properties == nullptr ? nullptr : find_object(*properties, name), visit);
    }
}

void put_text(json::value& value, const std::string& field,
              const std::map<std::string, std::string>& texts) {
    if (auto* text = value.if_string()) {
        const auto at = texts.find(field);
        if (at != texts.end()) *text = at->second;
    } else if (auto* list = value.if_array()) {
        for (std::size_t i = 0; i < list->size(); ++i) {
            put_text((*list)[i], fmt::format("{}[{}]", field, i), texts);
        }
    } else if (auto* object = value.if_object()) {
        for (auto& member : *object) {
            const std::string_view name = member.key();
            put_text(member.value(),
                     field.empty() ? std::string(name) : fmt::format("{}.{}", field, name), texts);
        }
    }
}

// The path as people write it, for the file system.
std::string plain_path(std::string_view text) {
    if (is_file_url(text)) {
        text.remove_prefix(7);
        if (to_lower(text.substr(0, 10)) == "localhost/") text.remove_prefix(9);
        std::string path = percent_decode(text).value_or(std::string(text));
        return plain_path(path.find("://") == std::string::npos ? path : "/" + path);
    }
    const char* home = std::getenv("HOME");
    if (home != nullptr && (text == "~" || text.starts_with("~/"))) {
        return home + std::string(text.substr(1));
    }
    return std::string(text);
}

Result<std::unique_ptr<runtime::File>> open_file(Session& session, const std::string& path) {
    return session.files.open_read(path);
}

Error not_usable(const std::string& field, const std::string& text, std::string_view why) {
    return Error(ErrorCode::invalid, fmt::format("{}: {} {}", field, text, why));
}

Result<LocalFile> look_up(Session& session, const std::string& field, const std::string& text) {
    std::error_code failure;
    const fs::path given = plain_path(text);
    const fs::path path = fs::canonical(given, failure);
    if (failure) {
        const bool missing = failure == std::errc::no_such_file_or_directory;
        return not_usable(field, text,
                          missing ? "names no file that is there, and is no URL"
                                  : "cannot be reached: " + failure.message());
    }
    if (fs::is_directory(path, failure)) return not_usable(field, text, "is a folder");
    const auto file = open_file(session, path.string());
    if (!file) {
        return not_usable(field, text,
                          file.error().cause() ? "cannot be read: " + file.error().cause().message()
                                               : std::string("is no regular file"));
    }
    const auto facts = (*file)->facts();
    if (!facts) return facts.error();
    if (facts->bytes == 0) return not_usable(field, text, "is empty");
    LocalFile found;
    found.field = field;
    found.path = path.string();
    found.name = given.filename().string();
    found.bytes = facts->bytes;
    return found;
}

Result<std::string> hash_file(Session& session, const LocalFile& local) {
    const auto file = open_file(session, local.path);
    if (!file) return file.error();
    Sha256 sum;
    std::string piece(piece_bytes, '\0');
    for (std::uint64_t at = 0;;) {
        const auto got = (*file)->read_at(at, piece);
        if (!got) return got.error();
        if (*got == 0) return sum.hex_digest();
        sum.update(std::string_view(piece).substr(0, *got));
        at += *got;
    }
}

void put_paths(json::object& job, const std::map<std::string, std::string>& texts) {
    auto* input = job.if_contains("input");
    if (input != nullptr) put_text(*input, "", texts);
}

std::string text_of(const LocalFile& file, const std::string& path) {
    if (!file.as_url) return path;
    std::string url = "file://";
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        url += percent_encode(std::string_view(path).substr(at, slash - at));
        if (slash < path.size()) url += '/';
        at = slash + 1;
    }
    return url;
}

template <class T>
void put_known(json::object& object, const char* name, const std::optional<T>& value) {
    if (value) object[name] = *value;
}

Result<json::object> told(Session& session, const LocalFile& local) {
    const auto file = open_file(session, local.path);
    if (!file) return file.error();
    const domain::ReadAt read = [&](std::uint64_t offset, std::span<char> out) {
        return (*file)->read_at(offset, out);
    };
    const auto facts = domain::probe_media(read, local.bytes);
    json::object object;
    object["path"] = local.path;
    object["bytes"] = local.bytes;
    object["sha256"] = local.sha256;
    object["content_type"] = facts ? facts->content_type : "application/octet-stream";
    if (facts) {
        put_known(object, "width", facts->width);
        put_known(object, "height", facts->height);
        put_known(object, "seconds", facts->duration_s);
    }
    return object;
}

// One file on its way.
class Sending {
  public:
    Sending(Session& session, const LocalFile& file)
        : session_(session),
          file_(file),
          target_(fmt::format("/v1/files/{}?name={}", file.sha256, percent_encode(file.name))) {}

    awaitable<std::variant<std::string, Failure>> run() {
        for (int tries = 0;; ++tries) {
            auto done = co_await send_rest();
            end_line();
            auto* failure = std::get_if<Failure>(&done);
            if (failure == nullptr || !may_go_on(*failure) || tries >= tries_max) co_return done;
            co_await session_.clock.sleep_for(try_again);
        }
    }

  private:
    static std::string code_of(const Failure& failure) {
        const auto parsed = parse_json(failure.body);
        return parsed && parsed->is_object()
                   ? find_string(parsed->get_object(), "code").value_or("")
                   : std::string();
    }
    static bool may_go_on(const Failure& failure) {
        return failure.temporary || code_of(failure) == "wrong_offset";
    }

    // From where the daemon is to the end.
    awaitable<std::variant<std::string, Failure>> send_rest() {
        Called called = co_await call(session_, "GET", target_);
        auto opened = open_file(session_, file_.path);
        if (!opened) co_return Failure(Exit::error, opened.error().message());
        for (;;) {
            if (auto* failure = std::get_if<Failure>(&called)) co_return std::move(*failure);
            const auto* answer = std::get<Reply>(called).value.if_object();
            if (answer == nullptr) co_return Failure(Exit::error, "the daemon's answer is no file");
            if (const auto path = find_string(*answer, "path")) co_return *path;
            const auto at = static_cast<std::uint64_t>(
                std::max<std::int64_t>(0, find_int(*answer, "received").value_or(0)));
            show(at);
            std::string piece(piece_bytes, '\0');
            const auto got = (*opened)->read_at(at, piece);
            if (!got) co_return Failure(Exit::error, got.error().message());
            piece.resize(*got);
            if (piece.empty() && at < file_.bytes) {
                co_return Failure(Exit::error, file_.path + " has become shorter meanwhile",
                                  "Submit again.");
            }
            called = co_await put(at, std::move(piece));
        }
    }

    awaitable<Called> put(std::uint64_t at, std::string piece) {
        HttpRequest request = socket_request(
            "PUT", fmt::format("{}&size={}&offset={}", target_, file_.bytes, at), std::move(piece));
        request.headers.set("Content-Type", "application/octet-stream");
        http::RequestOptions options = socket_options(session_);
        // The last piece is answered when the whole is compared and durable.
        options.step_timeout = Millis{600'000};
        options.total_timeout = Millis{0};
        co_return co_await call_with(session_, std::move(request), std::move(options));
    }

    void show(std::uint64_t at) {
        if (file_.bytes < shown_from || !session_.console.look_err().terminal) return;
        shown_ = true;
        session_.console.err(
            fmt::format("\rsending {}: {:3}%", file_.name, at * 100 / file_.bytes));
    }
    void end_line() {
        if (std::exchange(shown_, false)) session_.console.err("\r\033[K");
    }

    Session& session_;
    const LocalFile& file_;
    std::string target_;
    bool shown_ = false;
};

}  // namespace

bool may_name_files(const json::value& input) {
    bool may = false;
    each_text(input, "", nullptr, [&](const std::string&, const std::string& text, const auto*) {
        const bool path = text.starts_with('/') || text.starts_with("./") ||
                          text.starts_with("../") || text.starts_with("~/");
        const bool name = text.find('.') != std::string::npos &&
                          text.find_first_of(" \n\t") == std::string::npos;
        may = may || (!is_other_url(text) && (path || name));
    });
    return may;
}

Result<std::vector<LocalFile>> find_local_files(Session& session, const json::object& input,
                                                const json::object& schema) {
    std::vector<LocalFile> files;
    std::optional<Error> wrong;
    each_text(json::value(input), "", &schema,
              [&](const std::string& field, const std::string& text, const json::object* member) {
                  const bool file = is_file_url(text) ||
                                    (is_uri(member) && !text.empty() && !is_other_url(text));
                  if (!file || wrong) return;
                  auto found = look_up(session, field, text);
                  if (!found) {
                      wrong = found.error();
                      return;
                  }
                  found->as_url = !is_uri(member);
                  files.push_back(std::move(*found));
              });
    if (wrong) return *wrong;
    std::map<std::string, std::string> hashes;
    for (LocalFile& file : files) {
        std::string& sha256 = hashes[file.path];
        if (sha256.empty()) {
            auto sum = hash_file(session, file);
            if (!sum) return sum.error();
            sha256 = std::move(*sum);
        }
        file.sha256 = sha256;
    }
    return files;
}

Status tell_files(Session& session, json::object& job, std::vector<LocalFile> files) {
    std::map<std::string, std::string> texts;
    std::set<std::string> seen;
    json::array list;
    for (const LocalFile& file : files) {
        texts[file.field] = text_of(file, file.path);
        if (!seen.insert(file.path).second) continue;
        auto one = told(session, file);
        if (!one) return one.error();
        list.push_back(std::move(*one));
    }
    put_paths(job, texts);
    if (!list.empty()) job["local_files"] = std::move(list);
    return ok();
}

awaitable<std::optional<Failure>> send_files(Session& session, json::object& job,
                                             std::vector<LocalFile> files) {
    std::map<std::string, std::string> texts;
    std::map<std::string, std::string> paths;  // by hash
    for (const LocalFile& file : files) {
        if (!paths.contains(file.sha256)) {
            Sending sending(session, file);
            auto sent = co_await sending.run();
            if (auto* failure = std::get_if<Failure>(&sent)) co_return std::move(*failure);
            paths[file.sha256] = std::get<std::string>(sent);
        }
        texts[file.field] = text_of(file, paths[file.sha256]);
    }
    put_paths(job, texts);
    co_return std::nullopt;
}

}  // namespace reeld::reel
