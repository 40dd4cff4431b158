#include "engine/input_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "catalogue/input_check.hpp"
#include "domain/media_probe.hpp"
#include "domain/suggest.hpp"

namespace reeld::engine {
namespace {

using catalogue::FileRule;
using catalogue::FileSeen;
using domain::quoted;

constexpr std::string_view scheme = "file:";
// Stands for a local file while the input is compared with the schema.
constexpr const char* stand_in = "https://local.invalid/file";

bool is_file_url(std::string_view text) {
    return text.size() >= scheme.size() && to_lower(text.substr(0, scheme.size())) == scheme &&
           text.substr(scheme.size()).starts_with("//");
}

// A text that names a local file.
struct Named {
    std::string field;
    std::string text;
    const json::object* schema = nullptr;  // of the member; null: not known
};

void find_urls(const json::value& value, const std::string& field, std::vector<Named>& found) {
    if (const auto* text = value.if_string()) {
        if (is_file_url(*text)) found.push_back({field, std::string(*text), nullptr});
    } else if (const auto* object = value.if_object()) {
        for (const auto& member : *object) {
            find_urls(member.value(), fmt::format("{}.{}", field, std::string_view(member.key())),
                      found);
        }
    } else if (const auto* list = value.if_array()) {
        for (std::size_t i = 0; i < list->size(); ++i) {
            find_urls((*list)[i], fmt::format("{}[{}]", field, i), found);
        }
    }
}

std::vector<Named> find_local(const catalogue::Model* model, const json::object& input) {
    std::vector<Named> found;
    if (model != nullptr) {
        for (const auto& member : catalogue::file_members(model->input, input)) {
            if (!member.value.starts_with('/') && !is_file_url(member.value)) continue;
            found.push_back({member.field, member.value, member.schema});
        }
    }
    std::vector<Named> urls;
    find_urls(json::value(input), "input", urls);
    for (Named& url : urls) {
        const bool known = std::any_of(found.begin(), found.end(),
                                       [&](const Named& one) { return one.field == url.field; });
        if (!known) found.push_back(std::move(url));
    }
    return found;
}

std::string folders_text(const InputSetup& setup) {
    if (setup.folders.empty()) return "which names none";
    return fmt::format("which names {}", fmt::join(setup.folders, ", "));
}

std::string why_not_opened(const Error& error, const std::string& path) {
    const std::string shown = quoted(path);
    namespace errc = boost::system::errc;
    if (error.code() == ErrorCode::not_found) return fmt::format("there is no file {}", shown);
    if (error.cause() == errc::permission_denied) {
        return fmt::format("the daemon's user may not read {}", shown);
    }
    if (error.code() == ErrorCode::refused) {
        return fmt::format("{} cannot be taken: a regular file is needed, and no symbolic link on "
                           "the way to it",
                           shown);
    }
    return fmt::format("{} cannot be read: {}", shown, error.message());
}

std::string spooled_hash(const InputSetup& setup, const std::string& path) {
    if (setup.spool.empty() || allowed_root(setup, path) != setup.spool) return {};
    const std::string rest = path.substr(setup.spool.size() + 1);
    return rest.substr(0, rest.find('/'));
}

// One look at the files of one job.
class Look {
  public:
    Look(const FileCheck& check, bool checked, bool fresh)
        : check_(check), checked_(checked), fresh_(fresh) {}

    void at(const Named& named) {
        const auto path = named.text.starts_with('/') ? std::optional(named.text)
                                                      : path_of_file_url(named.text);
        if (!path) {
            return tell(named, fmt::format("{} names no local file: file:///path/of/it is right, "
                                           "with an absolute path",
                                           quoted(named.text)));
        }
        domain::InputFile file;
        file.field = named.field;
        file.path = *path;
        file.fresh = fresh_;
        FileSeen seen;
        if (!(take_told(*path, seen, file) || read(named, seen, file))) return;
        file.bytes = seen.bytes;
        file.content_type = seen.content_type;
        if (!fits(named, seen)) return;
        file.as_data_uri = catalogue::takes_data_uri(named.schema) &&
                           file.bytes <= check_.setup.data_uri_max;
        if (!file.as_data_uri && !can_be_sent(named, file)) return;
        out_.files.push_back(std::move(file));
        out_.seen.push_back(std::move(seen));
    }
    CheckedFiles take() { return std::move(out_); }

  private:
    void tell(const Named& named, std::string message) {
        out_.mistakes.push_back({named.field, std::move(message)});
    }

    bool take_told(const std::string& path, FileSeen& seen, domain::InputFile& file) {
        if (check_.told == nullptr) return false;
        for (const auto& one : *check_.told) {
            const auto* told = one.if_object();
            if (told == nullptr || find_string(*told, "path") != path) continue;
            seen.content_type = find_string(*told, "content_type").value_or("");
            seen.bytes = static_cast<std::uint64_t>(
                std::max<std::int64_t>(0, find_int(*told, "bytes").value_or(0)));
            if (const auto width = find_int(*told, "width")) seen.width = static_cast<int>(*width);
            if (const auto height = find_int(*told, "height")) {
                seen.height = static_cast<int>(*height);
            }
            const auto* seconds = find(*told, "seconds");
            if (seconds != nullptr && seconds->is_number()) {
                seen.seconds = seconds->to_number<double>();
            }
            file.sha256 = find_string(*told, "sha256").value_or("");
            return true;
        }
        return false;
    }

    bool read(const Named& named, FileSeen& seen, domain::InputFile& file) {
        const std::string& path = file.path;
        if (allowed_root(check_.setup, path).empty()) {
            tell(named, fmt::format("{} lies outside the folders of [inputs] folders, {}: add its "
                                    "folder there, or let `reel submit` send the file",
                                    quoted(path), folders_text(check_.setup)));
            return false;
        }
        const auto opened = open_input(check_.setup, check_.files, path);
        if (!opened) {
            tell(named, why_not_opened(opened.error(), path));
            return false;
        }
        const auto facts = (*opened)->facts();
        if (!facts || facts->bytes == 0) {
            tell(named, facts ? fmt::format("{} is empty", quoted(path))
                              : why_not_opened(facts.error(), path));
            return false;
        }
        file.modified_ns = facts->modified_ns;
        // The spool's folders are named after what lies in them. A job has its files hashed anew.
        if (check_.told != nullptr) file.sha256 = spooled_hash(check_.setup, path);
        const auto looked = look_at(**opened);
        if (looked) {
            seen = *looked;
        } else if (looked.error().code() == ErrorCode::corrupt) {
            unknown_ = looked.error().context();
            seen.content_type = "application/octet-stream";
        } else {
            tell(named, why_not_opened(looked.error(), path));
            return false;
        }
        seen.bytes = facts->bytes;
        return true;
    }

    bool fits(const Named& named, const FileSeen& seen) {
        const std::string why = std::exchange(unknown_, {});
        if (!checked_) return true;
        const FileRule rule = catalogue::file_rule_of(named.schema);
        const auto path = quoted(named.text);
        if (!why.empty() && !rule.types.empty()) {
            tell(named, fmt::format("{} is {}; {} is taken", path, why,
                                    catalogue::types_text(rule.types)));
            return false;
        }
        const auto wrong = catalogue::why_wrong_file(rule, seen);
        for (const std::string& one : wrong) tell(named, fmt::format("{} {}", path, one));
        const FileRule wish = catalogue::file_rule_of(named.schema, "x-file-advice");
        for (const std::string& one : catalogue::why_wrong_file(wish, seen)) {
            out_.advice.push_back(fmt::format("{}: {} {}, says the maker of the model; this "
                                              "endpoint may take it all the same.",
                                              named.field, path, one));
        }
        return wrong.empty();
    }

    bool can_be_sent(const Named& named, const domain::InputFile& file) {
        if (check_.provider == nullptr) return true;  // told as a mistake of the model
        const auto limits = check_.provider->upload_limits();
        if (!limits) {
            tell(named, "this provider stores no files: give a URL that it can read");
            return false;
        }
        if (file.bytes <= limits->bytes_max) return true;
        tell(named, fmt::format("{} has {} bytes; the provider stores files of at most {}: give a "
                                "URL that it can read",
                                quoted(named.text), file.bytes, limits->bytes_max));
        return false;
    }

    const FileCheck& check_;
    bool checked_;
    bool fresh_;
    std::string unknown_;  // why the bytes are no medium that is known
    CheckedFiles out_;
};

json::object with_stand_ins(const json::object& input, const std::vector<Named>& local) {
    std::vector<domain::InputFile> files;
    for (const Named& named : local) {
        domain::InputFile file;
        file.field = named.field;
        file.url = stand_in;
        files.push_back(std::move(file));
    }
    const auto changed = parse_json(domain::with_urls(canonical_json(json::value(input)), files));
    return changed && changed->is_object() ? changed->get_object() : input;
}

}  // namespace

std::optional<std::string> path_of_file_url(std::string_view text) {
    if (!is_file_url(text)) return std::nullopt;
    text.remove_prefix(scheme.size() + 2);
    constexpr std::string_view here = "localhost/";
    if (to_lower(text.substr(0, here.size())) == here) text.remove_prefix(here.size() - 1);
    if (!text.starts_with('/')) return std::nullopt;
    auto path = percent_decode(text);
    if (!path || path->find('\0') != std::string::npos) return std::nullopt;
    return path;
}

std::string allowed_root(const InputSetup& setup, std::string_view path) {
    std::string best;
    const auto consider = [&](const std::string& root) {
        if (root.empty() || root.size() <= best.size()) return;
        if (path.starts_with(root == "/" ? root : root + "/")) best = root;
    };
    for (const std::string& folder : setup.folders) consider(folder);
    consider(setup.spool);
    return best;
}

Result<std::unique_ptr<runtime::File>> open_input(const InputSetup& setup,
                                                  runtime::FileSystem& files,
                                                  const std::string& path) {
    const std::string root = allowed_root(setup, path);
    if (root.empty()) {
        return Error(ErrorCode::refused,
                     path + " lies outside the folders of [inputs] folders");
    }
    return files.open_below(root, path);
}

Result<FileSeen> look_at(const runtime::File& file) {
    const auto size = file.size();
    if (!size) return size.error();
    const domain::ReadAt read = [&file](std::uint64_t offset, std::span<char> out) {
        return file.read_at(offset, out);
    };
    const auto facts = domain::probe_media(read, *size);
    if (!facts) return facts.error();
    FileSeen seen;
    seen.content_type = facts->content_type;
    seen.bytes = *size;
    seen.width = facts->width;
    seen.height = facts->height;
    seen.seconds = facts->duration_s;
    return seen;
}

CheckedFiles check_files(const FileCheck& check, const json::object& job) {
    const auto* input = find_object(job, "input");
    const auto model_id = find_string(job, "model");
    if (input == nullptr) return {};
    const auto* flag = find(job, "unchecked");
    const bool unchecked = flag != nullptr && domain::truth_of(*flag).value_or(false);
    const catalogue::Model* model = check.catalogue == nullptr || !model_id
                                        ? nullptr
                                        : check.catalogue->find(*model_id);
    const auto local = find_local(model, *input);
    Look look(check, !unchecked, find_bool(job, "reuse_uploads") == false);
    for (const Named& named : local) look.at(named);
    CheckedFiles checked = look.take();
    checked.input = local.empty() ? *input : with_stand_ins(*input, local);
    return checked;
}

}  // namespace reeld::engine
