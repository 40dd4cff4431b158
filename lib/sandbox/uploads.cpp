#include "sandbox/uploads.hpp"

#include <fmt/format.h>

#include "sandbox/eachlabs.hpp"

namespace reeld::sandbox {
namespace {

Answer dropped() {
    Answer answer;
    answer.drop = true;
    return answer;
}

Answer unavailable(World& world, const Call& call, std::uint64_t at) {
    Answer answer = html_answer(503, "503 Service Temporarily Unavailable");
    world.hint_retry(answer, at, call.now, Millis{20'000});
    return answer;
}

Answer refused_key(const World& world, Dialect dialect) {
    if (dialect == Dialect::fal) {
        return json_answer(401, {{"detail", "invalid key credentials"}});
    }
    if (world.options.bare_401) return json_answer(401, json::object{});
    return eachlabs_error(401, "Invalid or missing API key");
}

Answer too_many(World& world, const Call& call, Dialect dialect, std::uint64_t at) {
    Answer answer = dialect == Dialect::fal
                        ? json_answer(429, {{"detail", "Too many requests"}})
                        : eachlabs_error(429, "too many requests", "too many uploads at once");
    world.hint_retry(answer, at, call.now, Millis{3'000});
    return answer;
}

Answer failed_start(World& world, const Call& call, Dialect dialect, std::uint64_t at) {
    if (world.draws.below("upload_5xx_as", at, 2) == 0) return unavailable(world, call, at);
    if (dialect == Dialect::fal) {
        return json_answer(500, {{"detail", "Internal error"}, {"error_type", "internal_error"}});
    }
    return eachlabs_error(500, "Failed to generate presigned URL");
}

void garble(World& world, std::uint64_t at, Answer& answer) {
    const auto how = world.draws.below("upload_garbled_as", at, 3);
    if (how == 0) answer.cut_after = answer.body.size() / 2;
    if (how == 1) answer.body = "{}";
    if (how != 2) return;
    // Every URL in it turns into a place on this machine.
    for (auto from = answer.body.find("http"); from != std::string::npos;
         from = answer.body.find("http", from)) {
        answer.body.replace(from, 4, "file");
    }
}

bool is_local(std::string_view text, std::string_view member) {
    if (text.starts_with("file://")) return true;
    const bool holds_files = member.find("url") != member.npos ||
                             member.find("image") != member.npos;
    return text.starts_with("/") && holds_files;
}

// The upload's id in a URL of this storage; "" in any other text.
std::string upload_in(const World& world, std::string_view text) {
    for (const std::string_view place : {"/files/u/", "/uploads/"}) {
        const std::string base = world.options.public_url + std::string(place);
        if (!text.starts_with(base)) continue;
        const std::string_view rest = text.substr(base.size());
        return std::string(rest.substr(0, rest.find_first_of("./?")));
    }
    return "";
}

bool is_missing(World& world, std::string_view text, std::string_view member, Instant at) {
    if (is_local(text, member)) return true;
    const std::string id = upload_in(world, text);
    if (id.empty()) return false;
    const Upload* upload = world.storage.find(id);
    return upload == nullptr || !upload->is_there(at);
}

bool search(World& world, const json::value& value, std::string_view member, Instant at,
            json::array& way) {
    if (const auto* text = value.if_string()) return is_missing(world, *text, member, at);
    if (const auto* list = value.if_array()) {
        for (std::size_t i = 0; i < list->size(); ++i) {
            way.push_back(i);
            if (search(world, (*list)[i], member, at, way)) return true;
            way.pop_back();
        }
    }
    if (const auto* object = value.if_object()) {
        for (const auto& [name, inner] : *object) {
            way.push_back(json::string(name));
            if (search(world, inner, name, at, way)) return true;
            way.pop_back();
        }
    }
    return false;
}

// What came of a call that stored something, as the caller hears it.
void spoil(World& world, std::uint64_t at, Answer& answer) {
    const std::set<std::string> none;
    if (world.strikes(Fault::put_lost, at, none, false)) answer.drop = true;
    if (world.strikes(Fault::put_slow, at, none, false)) {
        answer.delay =
            world.scaled(world.draws.between("put_delay", at, Millis{5'000}, Millis{20'000}));
    }
    const auto value = parse_json(answer.body);
    const bool has_etag = value && value->is_object() && value->get_object().contains("etag");
    if (has_etag && world.strikes(Fault::put_no_etag, at, none, false)) {
        Answer bare = json_answer(200, json::object{});
        bare.drop = answer.drop;
        bare.delay = answer.delay;
        answer = std::move(bare);
    }
}

}  // namespace

Answer start_upload(World& world, const Call& call, Dialect dialect,
                    const std::function<Answer()>& open) {
    const std::set<std::string> none;
    const auto at = ++world.upload_starts;
    const auto strikes = [&](Fault fault) { return world.strikes(fault, at, none, false); };
    if (strikes(Fault::upload_401)) return refused_key(world, dialect);
    if (strikes(Fault::upload_429)) return too_many(world, call, dialect, at);
    if (strikes(Fault::upload_5xx)) return failed_start(world, call, dialect, at);
    const std::uint64_t before = world.storage.count();
    Answer answer = open();
    if (world.storage.count() == before) return answer;
    world.write(call.now, fmt::format("upload {} begins", world.storage.count()));
    if (strikes(Fault::upload_garbled)) garble(world, at, answer);
    if (strikes(Fault::upload_lost)) return dropped();
    return answer;
}

Answer use_ticket(World& world, const Call& call, Dialect dialect, Upload& upload,
                  const std::function<Answer()>& take) {
    const std::set<std::string> none;
    const auto at = upload.index << 20 | ++upload.calls;
    if (world.strikes(Fault::put_reset, at, none, false)) return dropped();
    if (world.strikes(Fault::put_5xx, at, none, false)) return unavailable(world, call, at);
    if (world.strikes(Fault::put_expired, at, none, false)) upload.refused = true;
    if (upload.refused) {
        return dialect == Dialect::fal ? json_answer(403, {{"detail", "Request has expired"}})
                                       : html_answer(403, "AccessDenied");
    }
    const bool was_there = upload.complete;
    Answer answer = take();
    if (answer.status >= 300) return answer;
    if (upload.complete && !was_there) {
        world.write(call.now, fmt::format("upload {} is there", upload.index));
        if (world.strikes(Fault::upload_gone, upload.index, none, false)) {
            upload.expires_at = call.now + world.draws.between("upload_kept", upload.index,
                                                               Millis{60'000}, Millis{600'000});
        }
    }
    spoil(world, at, answer);
    return answer;
}

std::optional<json::array> missing_file(World& world, const json::object& input, Instant at) {
    json::array way;
    if (!search(world, input, "", at, way)) return std::nullopt;
    return way;
}

json::object write_uploads(const World& world) {
    json::array list;
    for (const Upload* upload : world.storage.all()) {
        json::object row{{"id", upload->id},
                         {"name", upload->name},
                         {"content_type", upload->content_type},
                         {"bytes", upload->bytes.size()},
                         {"sha256", upload->sha256},
                         {"complete", upload->complete},
                         {"refused", upload->refused},
                         {"calls", upload->calls},
                         {"stored", upload->stored},
                         {"parts", upload->joined.size()},
                         {"started_at", to_rfc3339(upload->started_at)},
                         {"expires_at", nullptr}};
        if (upload->expires_at) row["expires_at"] = to_rfc3339(*upload->expires_at);
        list.push_back(std::move(row));
    }
    return {{"uploads", std::move(list)}};
}

}  // namespace reeld::sandbox
