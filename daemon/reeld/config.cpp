#include "reeld/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

// The only file that includes toml++: it is header-only here and slow to compile.
#define TOML_EXCEPTIONS 0
// The parser asserts what a file may well get wrong, such as a line that is only "[": that is a
// mistake to tell, in every kind of build, and no reason to die at a reload.
#undef NDEBUG
namespace reeld::daemon {
struct BrokenToml {};
constexpr void assert_toml(bool holds) {
    if (!holds) throw BrokenToml{};
}
}  // namespace reeld::daemon
#define TOML_ASSERT(expr) ::reeld::daemon::assert_toml(static_cast<bool>(expr))
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "domain/suggest.hpp"
#include "reeld/config_values.hpp"

namespace reeld::daemon {
namespace {

// Collects every mistake with its place; readers go on after one.
struct Mistakes {
    const std::string& file;
    std::vector<std::pair<unsigned, std::string>> lines;

    void add(unsigned line, std::string_view key, std::string_view problem) {
        lines.emplace_back(line, key.empty()
                                     ? fmt::format("{}:{}: {}", file, line, problem)
                                     : fmt::format("{}:{}: {}: {}", file, line, key, problem));
    }
    std::string text() {
        std::stable_sort(lines.begin(), lines.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        std::string all;
        for (const auto& [line, text] : lines) all += (all.empty() ? "" : "\n") + text;
        return all;
    }
};

// One value with its name and place.
struct Value {
    const toml::node& node;
    std::string key;
    Mistakes& mistakes;

    void wrong(std::string_view problem) const {
        mistakes.add(node.source().begin.line, key, problem);
    }
    void wrong_type(std::string_view wanted) const {
        wrong(fmt::format("is {}, must be {}", kind(), wanted));
    }
    std::string_view kind() const {
        switch (node.type()) {
            case toml::node_type::none: return "nothing";
            case toml::node_type::table: return "a table";
            case toml::node_type::array: return "a list";
            case toml::node_type::string: return "text";
            case toml::node_type::integer: return "a whole number";
            case toml::node_type::floating_point: return "a number with a fraction";
            case toml::node_type::boolean: return "a boolean";
            case toml::node_type::date:
            case toml::node_type::time:
            case toml::node_type::date_time: return "a date or time";
        }
        return "something else";
    }
};

std::optional<std::string> text_of(const Value& value, std::string_view wanted) {
    if (const auto* text = value.node.as_string()) return text->get();
    value.wrong_type(wanted);
    return std::nullopt;
}

template <class Number>
void read_number(const Value& value, Number& out, std::int64_t least, std::int64_t most) {
    const std::string wanted = fmt::format("a whole number from {} to {}", least, most);
    const auto* number = value.node.as_integer();
    if (number == nullptr) return value.wrong_type(wanted);
    if (number->get() < least || number->get() > most) {
        return value.wrong(fmt::format("is {}, must be {}", number->get(), wanted));
    }
    out = static_cast<Number>(number->get());
}

void read_duration(const Value& value, Millis& out, std::string_view least_text,
                   std::string_view most_text) {
    const std::string wanted =
        fmt::format("a duration from {} to {} such as \"{}\"", least_text, most_text, least_text);
    const auto text = text_of(value, wanted);
    if (!text) return;
    const auto duration = parse_duration(*text);
    if (!duration || *duration < *parse_duration(least_text) ||
        *duration > *parse_duration(most_text)) {
        return value.wrong(fmt::format("is {}, must be {}", domain::quoted(*text), wanted));
    }
    out = *duration;
}

void read_size(const Value& value, std::uint64_t& out, std::string_view least_text,
               std::string_view most_text) {
    const std::string wanted =
        fmt::format("a size from {} to {} such as \"2GiB\"", least_text, most_text);
    const auto text = text_of(value, wanted);
    if (!text) return;
    const auto size = parse_size(*text);
    if (!size || *size < *parse_size(least_text) || *size > *parse_size(most_text)) {
        return value.wrong(fmt::format("is {}, must be {}", domain::quoted(*text), wanted));
    }
    out = *size;
}

using TextCheck = std::optional<std::string> (*)(std::string_view);

bool read_checked(const Value& value, std::string& out, TextCheck wrong) {
    const auto text = text_of(value, "text in quotes");
    if (!text) return false;
    if (const auto problem = wrong(*text)) {
        value.wrong(fmt::format("is {}, {}", domain::quoted(*text), *problem));
        return false;
    }
    out = *text;
    return true;
}

std::optional<std::string> wrong_socket(std::string_view text) {
    if (auto problem = wrong_path(text)) return problem;
    // sockaddr_un holds 108 bytes with the final zero.
    if (text.size() > 107) return "must not be longer than 107 bytes: Unix sockets end there";
    return std::nullopt;
}

std::optional<std::string> wrong_user_id(std::string_view text) {
    if (text.empty() || text.size() > 200 || domain::has_control(text)) {
        return "must be the user id that the provider shows, 1 to 200 bytes";
    }
    return std::nullopt;
}

void read_url(const Value& value, std::string& out) {
    if (!read_checked(value, out, wrong_base_url)) return;
    while (out.ends_with('/')) out.pop_back();
}

// A section is a table of these: which keys there are, and how each is read.
template <class T>
struct Key {
    std::string_view name;
    void (*read)(const Value&, T&);
};

constexpr std::array<Key<Paths>, 3> paths_keys{{
    {"state", [](const Value& v, Paths& p) { read_checked(v, p.state, wrong_path); }},
    {"outputs", [](const Value& v, Paths& p) { read_checked(v, p.outputs, wrong_path); }},
    {"socket", [](const Value& v, Paths& p) { read_checked(v, p.socket, wrong_socket); }},
}};

constexpr std::array<Key<Webhook>, 2> webhook_keys{{
    {"listen", [](const Value& v, Webhook& w) { read_checked(v, w.listen, wrong_listen_address); }},
    {"public_url", [](const Value& v, Webhook& w) { read_url(v, w.public_url); }},
}};

constexpr std::array<Key<Retry>, 2> retry_keys{{
    {"base", [](const Value& v, Retry& r) { read_duration(v, r.base, "10ms", "1h"); }},
    {"max", [](const Value& v, Retry& r) { read_duration(v, r.max, "10ms", "7d"); }},
}};

constexpr std::array<Key<Downloads>, 4> downloads_keys{{
    {"concurrency",
     [](const Value& v, Downloads& d) { read_number(v, d.concurrency, 1, 64); }},
    {"stall_timeout",
     [](const Value& v, Downloads& d) { read_duration(v, d.stall_timeout, "1s", "1h"); }},
    {"max_bytes", [](const Value& v, Downloads& d) { read_size(v, d.max_bytes, "1KiB", "16TiB"); }},
    {"allowed_hosts",
     [](const Value& v, Downloads& d) {
         const auto* list = v.node.as_array();
         if (list == nullptr) return v.wrong_type("a list of hosts");
         d.allowed_hosts.clear();
         for (const toml::node& item : *list) {
             std::string host;
             if (read_checked(Value{item, v.key, v.mistakes}, host, wrong_host_pattern)) {
                 d.allowed_hosts.push_back(host);
             }
         }
     }},
}};

constexpr std::array<Key<Inputs>, 6> inputs_keys{{
    {"folders",
     [](const Value& v, Inputs& i) {
         const auto* list = v.node.as_array();
         if (list == nullptr) return v.wrong_type("a list of folders such as [\"/srv/shots\"]");
         i.folders.clear();
         for (const toml::node& item : *list) {
             std::string folder;
             if (read_checked(Value{item, v.key, v.mistakes}, folder, wrong_path)) {
                 i.folders.push_back(folder);
             }
         }
     }},
    {"keep", [](const Value& v, Inputs& i) { read_duration(v, i.keep, "1h", "36500d"); }},
    {"max_bytes", [](const Value& v, Inputs& i) { read_size(v, i.max_bytes, "1KiB", "1TiB"); }},
    {"spool_max_bytes",
     [](const Value& v, Inputs& i) { read_size(v, i.spool_max_bytes, "1KiB", "16TiB"); }},
    {"data_uri_max",
     [](const Value& v, Inputs& i) { read_size(v, i.data_uri_max, "0B", "128KiB"); }},
    {"upload_concurrency",
     [](const Value& v, Inputs& i) { read_number(v, i.upload_concurrency, 1, 16); }},
}};

constexpr std::array<Key<KeepLimits>, 2> keep_keys{{
    {"max_age",
     [](const Value& v, KeepLimits& k) {
         Millis age{0};
         read_duration(v, age, "1s", "36500d");
         k.max_age = age;
     }},
    {"max_count",
     [](const Value& v, KeepLimits& k) {
         std::int64_t count = 0;
         read_number(v, count, 0, 1'000'000'000);
         k.max_count = count;
     }},
}};

void read_limits(const Value& value, KeepLimits& out);

constexpr std::array<Key<Retention>, 5> retention_keys{{
    {"export", [](const Value& v, Retention& r) { read_checked(v, r.export_folder, wrong_path); }},
    {"completed", [](const Value& v, Retention& r) { read_limits(v, r.completed); }},
    {"failed", [](const Value& v, Retention& r) { read_limits(v, r.failed); }},
    {"cancelled", [](const Value& v, Retention& r) { read_limits(v, r.cancelled); }},
    {"evidence",
     [](const Value& v, Retention& r) {
         Millis age{0};
         read_duration(v, age, "1s", "36500d");
         r.evidence = age;
     }},
}};

constexpr std::array<Key<Catalogue>, 1> catalogue_keys{{
    {"folder", [](const Value& v, Catalogue& c) { read_checked(v, c.folder, wrong_path); }},
}};

constexpr std::array<Key<log::Level>, 1> log_keys{{
    {"level",
     [](const Value& v, log::Level& out) {
         const auto text = text_of(v, "\"debug\", \"info\", \"warning\" or \"error\"");
         if (!text) return;
         const auto level = log::parse_level(*text);
         if (!level) {
             return v.wrong(fmt::format(
                 "is {}, must be \"debug\", \"info\", \"warning\" or \"error\"",
                 domain::quoted(*text)));
         }
         out = *level;
     }},
}};

template <class T, std::size_t N>
void read_table(const toml::table& table, const std::string& name, const std::array<Key<T>, N>& keys,
                T& out, Mistakes& mistakes);

void read_limits(const Value& value, KeepLimits& out) {
    const auto* table = value.node.as_table();
    if (table == nullptr) {
        return value.wrong_type("a table such as { max_age = \"365d\", max_count = 100000 }");
    }
    read_table(*table, value.key, keep_keys, out, value.mistakes);
}

void read_on_unknown(const Value& value, ProviderSettings& out) {
    const auto text = text_of(value, "\"hold\" or \"resubmit\"");
    if (!text) return;
    if (*text == "hold") {
        out.on_submit_unknown = OnSubmitUnknown::hold;
    } else if (*text == "resubmit") {
        out.on_submit_unknown = OnSubmitUnknown::resubmit;
    } else {
        value.wrong(
            fmt::format("is {}, must be \"hold\" or \"resubmit\"", domain::quoted(*text)));
    }
}

void read_auth(const Value& value, ProviderSettings& out) {
    const auto text = text_of(value, "\"bearer\" or \"x-api-key\"");
    if (!text) return;
    if (*text != "bearer" && *text != "x-api-key") {
        return value.wrong(
            fmt::format("is {}, must be \"bearer\" or \"x-api-key\"", domain::quoted(*text)));
    }
    out.api.auth = *text;
}

void read_retry(const Value& value, ProviderSettings& out) {
    const auto* table = value.node.as_table();
    if (table == nullptr) {
        return value.wrong_type("a table such as { base = \"2s\", max = \"10m\" }");
    }
    read_table(*table, value.key, retry_keys, out.retry, value.mistakes);
    if (out.retry.max < out.retry.base) value.wrong("max must not be shorter than base");
}

using Provider = ProviderSettings;
constexpr std::array<Key<Provider>, 15> provider_keys{{
    {"queue_url", [](const Value& v, Provider& p) { read_url(v, p.api.queue_url); }},
    {"rest_url", [](const Value& v, Provider& p) { read_url(v, p.api.rest_url); }},
    {"platform_url", [](const Value& v, Provider& p) { read_url(v, p.api.platform_url); }},
    {"base_url", [](const Value& v, Provider& p) { read_url(v, p.api.base_url); }},
    {"auth", read_auth},
    {"user_id",
     [](const Value& v, Provider& p) { read_checked(v, p.api.user_id, wrong_user_id); }},
    {"concurrency", [](const Value& v, Provider& p) { read_number(v, p.concurrency, 1, 1000); }},
    {"requests_per_minute",
     [](const Value& v, Provider& p) { read_number(v, p.requests_per_minute, 1, 60'000); }},
    {"poll_interval",
     [](const Value& v, Provider& p) { read_duration(v, p.poll_interval, "100ms", "1h"); }},
    {"status_streams",
     [](const Value& v, Provider& p) { read_number(v, p.status_streams, 0, 64); }},
    {"submit_timeout",
     [](const Value& v, Provider& p) { read_duration(v, p.submit_timeout, "100ms", "10m"); }},
    {"submit_unknown_wait",
     [](const Value& v, Provider& p) { read_duration(v, p.submit_unknown_wait, "100ms", "7d"); }},
    {"on_submit_unknown", read_on_unknown},
    {"retry", read_retry},
    {"key_file", [](const Value& v, Provider& p) { read_checked(v, p.key_file, wrong_path); }},
}};

// Keys that mean something to one provider alone; set for another they would silently do nothing.
struct OwnKey {
    std::string_view key;
    std::string_view provider;
};
constexpr std::array<OwnKey, 7> own_keys{{{"queue_url", "fal"},
                                          {"rest_url", "fal"},
                                          {"platform_url", "fal"},
                                          {"user_id", "fal"},
                                          {"status_streams", "fal"},
                                          {"base_url", "eachlabs"},
                                          {"auth", "eachlabs"}}};

bool takes(std::string_view provider, std::string_view key) {
    // A provider that this list does not know may take any of them.
    const bool listed = std::any_of(own_keys.begin(), own_keys.end(),
                                    [&](const OwnKey& own) { return own.provider == provider; });
    return !listed || std::all_of(own_keys.begin(), own_keys.end(), [&](const OwnKey& own) {
        return own.key != key || own.provider == provider;
    });
}

void unknown_name(Mistakes& mistakes, unsigned line, std::string_view name, std::string_view what,
                  std::string_view wrong, std::span<const std::string_view> known) {
    const auto nearest = domain::nearest_name(wrong, known);
    mistakes.add(line, name,
                 nearest.empty()
                     ? fmt::format("unknown {}; known are {}", what, domain::listed(known))
                     : fmt::format("unknown {}; did you mean {}?", what, nearest));
}

template <class T>
void read_keys(const toml::table& table, const std::string& name, std::span<const Key<T>> keys,
               T& out, Mistakes& mistakes) {
    std::vector<std::string_view> names;
    for (const Key<T>& key : keys) names.push_back(key.name);
    for (const auto& [key, node] : table) {
        const std::string path = name + "." + std::string(key.str());
        const auto at = std::find(names.begin(), names.end(), key.str());
        if (at == names.end()) {
            unknown_name(mistakes, key.source().begin.line, path, "key", key.str(), names);
            continue;
        }
        keys[static_cast<std::size_t>(at - names.begin())].read(Value{node, path, mistakes}, out);
    }
}

template <class T, std::size_t N>
void read_table(const toml::table& table, const std::string& name, const std::array<Key<T>, N>& keys,
                T& out, Mistakes& mistakes) {
    read_keys<T>(table, name, keys, out, mistakes);
}

std::vector<Key<Provider>> keys_of_provider(std::string_view name) {
    std::vector<Key<Provider>> keys;
    for (const auto& key : provider_keys) {
        if (takes(name, key.name)) keys.push_back(key);
    }
    return keys;
}

const toml::table* table_of(const Value& value) {
    if (const auto* table = value.node.as_table()) return table;
    value.wrong_type("a section: [" + value.key + "]");
    return nullptr;
}

void read_webhook(const Value& value, const toml::table& table, Config& config) {
    Webhook webhook;
    read_table(table, value.key, webhook_keys, webhook, value.mistakes);
    for (const auto& key : webhook_keys) {
        if (!table.contains(key.name)) {
            value.wrong(fmt::format("lacks {}; a webhook needs listen and public_url, without the "
                                    "section reeld polls only",
                                    key.name));
        }
    }
    config.webhook = std::move(webhook);
}

void read_providers(const toml::table& table, std::span<const std::string_view> known,
                    Config& config, Mistakes& mistakes) {
    for (const auto& [key, node] : table) {
        const Value value{node, "providers." + std::string(key.str()), mistakes};
        const auto at = config.providers.find(std::string(key.str()));
        if (at == config.providers.end()) {
            unknown_name(mistakes, key.source().begin.line, value.key, "provider", key.str(),
                         known);
            continue;
        }
        at->second.named = true;
        const auto* section = table_of(value);
        if (section == nullptr) continue;
        const auto keys = keys_of_provider(at->first);
        read_keys<Provider>(*section, value.key, keys, at->second, mistakes);
    }
}

void add_warnings(Config& config) {
    for (const auto& [name, provider] : config.providers) {
        const auto& api = provider.api;
        for (const std::string* url :
             {&api.queue_url, &api.rest_url, &api.platform_url, &api.base_url}) {
            if (!plain_http_to_public_host(*url)) continue;
            config.warnings.push_back(fmt::format(
                "providers.{}: {} is plain http to a public host: the key and the jobs can be read "
                "on the way; https would be right",
                name, *url));
        }
    }
}

constexpr std::array<std::string_view, 8> section_names{
    "paths", "webhook", "providers", "downloads", "inputs", "retention", "catalogue", "log"};

void read_retention(const Value& value, const toml::table& table, Config& config) {
    read_table(table, value.key, retention_keys, config.retention, value.mistakes);
    const std::string& folder = config.retention.export_folder;
    // What is downloaded must not be able to write into what was exported.
    if (!folder.empty() && folder == config.paths.outputs) {
        value.wrong("export must be a folder of its own, not the outputs folder");
    }
}

// Whoever may drop rows could otherwise have the database uploaded. Asked once both sections are read.
void check_folders(const toml::table& table, const Config& config, Mistakes& mistakes) {
    const auto* node = table.get("inputs");
    const std::string& state = config.paths.state;
    for (const std::string& folder : config.inputs.folders) {
        if (folder != state && !state.starts_with(folder + "/")) continue;
        Value{*node, "inputs", mistakes}.wrong(
            fmt::format("folders must not hold the state folder, as {} does", folder));
    }
}

void read_section(const Value& value, std::span<const std::string_view> providers, Config& config) {
    if (std::find(section_names.begin(), section_names.end(), value.key) == section_names.end()) {
        return unknown_name(value.mistakes, value.node.source().begin.line, value.key, "section",
                            value.key, section_names);
    }
    const auto* table = table_of(value);
    if (table == nullptr) return;
    auto& mistakes = value.mistakes;
    if (value.key == "paths") {
        read_table(*table, value.key, paths_keys, config.paths, mistakes);
        // A job's file name template could otherwise name reel.db.
        if (config.paths.outputs == config.paths.state) {
            value.wrong("outputs must be a folder of its own, not the state folder");
        }
    } else if (value.key == "webhook") {
        read_webhook(value, *table, config);
    } else if (value.key == "providers") {
        read_providers(*table, providers, config, mistakes);
    } else if (value.key == "downloads") {
        read_table(*table, value.key, downloads_keys, config.downloads, mistakes);
    } else if (value.key == "inputs") {
        read_table(*table, value.key, inputs_keys, config.inputs, mistakes);
    } else if (value.key == "retention") {
        read_retention(value, *table, config);
    } else if (value.key == "catalogue") {
        read_table(*table, value.key, catalogue_keys, config.catalogue, mistakes);
    } else {
        read_table(*table, value.key, log_keys, config.log_level, mistakes);
    }
}

// The first line that begins a table and does not go on with a name.
unsigned line_of_broken_table(std::string_view text) {
    unsigned line = 1;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\n') ++line;
        if (text[at] != '[') continue;
        const auto next = text.find_first_not_of("[ \t", at);
        const bool named = next != std::string_view::npos &&
                           (std::isalnum(static_cast<unsigned char>(text[next])) != 0 ||
                            std::string_view("_-\"'").find(text[next]) != std::string_view::npos);
        if (!named) return line;
    }
    return 1;
}

// The line of the first character outside of texts and comments that is not ASCII. TOML gives such a
// character no meaning there, and this parser promises its compiler that some of them cannot come.
std::optional<unsigned> line_of_stray_character(std::string_view text) {
    unsigned line = 1;
    char inside = 0;  // the quote or '#' that was opened
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\n') ++line;
        if (inside == '"' && c == '\\') {
            ++at;
        } else if (inside != 0) {
            if (c == inside || (inside == '#' && c == '\n')) inside = 0;
        } else if (c == '"' || c == '\'' || c == '#') {
            inside = c;
        } else if (static_cast<unsigned char>(c) >= 0x80) {
            return line;
        }
    }
    return std::nullopt;
}

std::optional<toml::parse_result> parse_toml(std::string_view text, Mistakes& mistakes) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    if (const auto line = line_of_stray_character(text)) {
        mistakes.add(*line, "", "is no TOML; outside of quotes only ASCII can stand");
        return std::nullopt;
    }
    try {
        toml::parse_result parsed = toml::parse(text, mistakes.file);
        if (parsed) return parsed;
        mistakes.add(parsed.error().source().begin.line, "", parsed.error().description());
    } catch (const BrokenToml&) {
        mistakes.add(line_of_broken_table(text), "",
                     "is no TOML; a table's name is missing after \"[\"");
    }
    return std::nullopt;
}

}  // namespace

Config default_config(std::span<const std::string_view> providers) {
    Config config;
    for (const auto name : providers) config.providers.try_emplace(std::string(name));
    return config;
}

Result<Config> parse_config(std::string_view text, const std::string& file,
                            std::span<const std::string_view> providers) {
    Mistakes mistakes{file, {}};
    const auto parsed = parse_toml(text, mistakes);
    if (!parsed) return Error(ErrorCode::invalid, mistakes.text());
    Config config = default_config(providers);
    for (const auto& [key, node] : parsed->table()) {
        read_section(Value{node, std::string(key.str()), mistakes}, providers, config);
    }
    check_folders(parsed->table(), config, mistakes);
    if (!mistakes.lines.empty()) return Error(ErrorCode::invalid, mistakes.text());
    add_warnings(config);
    return config;
}

std::vector<std::string> known_keys(std::span<const std::string_view> providers) {
    std::vector<std::string> keys;
    const auto add = [&](const std::string& section, const auto& of_section) {
        for (const auto& key : of_section) {
            const std::string path = section + "." + std::string(key.name);
            if (key.name != "retry") {
                keys.push_back(path);
                continue;
            }
            for (const auto& part : retry_keys) keys.push_back(path + "." + std::string(part.name));
        }
    };
    add("paths", paths_keys);
    add("webhook", webhook_keys);
    for (const auto name : providers) {
        add("providers." + std::string(name), keys_of_provider(name));
    }
    add("downloads", downloads_keys);
    add("inputs", inputs_keys);
    for (const auto& key : retention_keys) {
        const std::string path = "retention." + std::string(key.name);
        if (key.name == "export" || key.name == "evidence") {
            keys.push_back(path);
            continue;
        }
        for (const auto& part : keep_keys) keys.push_back(path + "." + std::string(part.name));
    }
    add("catalogue", catalogue_keys);
    add("log", log_keys);
    return keys;
}

}  // namespace reeld::daemon
