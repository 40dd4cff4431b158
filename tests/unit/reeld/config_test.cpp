// Goal: every key is read, every mistake is named with its place and its mending, all at once.
#include "reeld/config.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "reeld/config_report.hpp"

using namespace reeld;
using namespace reeld::daemon;
using namespace std::chrono_literals;

namespace {

constexpr std::array<std::string_view, 2> providers{"eachlabs", "fal"};

Result<Config> parse(std::string_view text) { return parse_config(text, "reeld.toml", providers); }

// What parsing says that must not succeed.
std::string mistakes(std::string_view text) {
    const auto config = parse(text);
    if (config) return "(accepted)";
    CHECK(config.error().code() == ErrorCode::invalid);
    return config.error().context();
}

std::string value_of(const Config& config, std::string_view key) {
    for (const Setting& setting : settings_of(config)) {
        if (setting.key == key) return setting.value;
    }
    return "(none)";
}

struct Good {
    std::string_view section, line, key, shown;
};

struct Bad {
    std::string_view section, line, key;
    std::string_view says;  // a part of the message
};

}  // namespace

TEST_CASE("an empty file means the documented defaults") {
    const auto config = parse("");
    REQUIRE(config.has_value());
    CHECK(config->paths.state == "/var/lib/reeld");
    CHECK(config->paths.outputs == "/var/lib/reeld/outputs");
    CHECK(config->paths.socket == "/run/reeld/reeld.sock");
    CHECK_FALSE(config->webhook.has_value());
    REQUIRE(config->providers.size() == 2);
    const ProviderSettings& fal = config->providers.at("fal");
    CHECK_FALSE(fal.named);
    CHECK(fal.concurrency == 8);
    CHECK(fal.requests_per_minute == 120);
    CHECK(fal.poll_interval == 15s);
    CHECK(fal.submit_timeout == 30s);
    CHECK(fal.submit_unknown_wait == 15min);
    CHECK(fal.on_submit_unknown == OnSubmitUnknown::hold);
    CHECK(fal.retry.base == 2s);
    CHECK(fal.retry.max == 10min);
    CHECK(config->downloads.concurrency == 4);
    CHECK(config->downloads.stall_timeout == 30s);
    CHECK(config->downloads.max_bytes == 2147483648u);
    CHECK(config->downloads.allowed_hosts ==
          std::vector<std::string>{"fal.media", "*.fal.media", "cdn-us.eachlabs.ai"});
    CHECK(config->log_level == log::Level::info);
    CHECK(config->warnings.empty());
}

TEST_CASE("every key of the file arrives where it belongs") {
    const std::vector<Good> table{
        {"paths", "state = '/srv/reel'", "paths.state", "/srv/reel"},
        {"paths", "outputs = '/srv/videos'", "paths.outputs", "/srv/videos"},
        {"paths", "socket = '/run/r.sock'", "paths.socket", "/run/r.sock"},
        {"providers.fal", "queue_url = 'https://q.example/'", "providers.fal.queue_url",
         "https://q.example"},
        {"providers.fal", "rest_url = 'http://127.0.0.1:8470'", "providers.fal.rest_url",
         "http://127.0.0.1:8470"},
        {"providers.fal", "platform_url = 'https://p.example/v1'", "providers.fal.platform_url",
         "https://p.example/v1"},
        {"providers.eachlabs", "base_url = 'https://e.example'", "providers.eachlabs.base_url",
         "https://e.example"},
        {"providers.eachlabs", "auth = 'x-api-key'", "providers.eachlabs.auth", "x-api-key"},
        {"providers.fal", "user_id = 'github|12'", "providers.fal.user_id", "github|12"},
        {"providers.fal", "key_file = '/etc/reeld/k'", "providers.fal.key_file", "/etc/reeld/k"},
        {"providers.fal", "concurrency = 3", "providers.fal.concurrency", "3"},
        {"providers.fal", "requests_per_minute = 7", "providers.fal.requests_per_minute", "7"},
        {"providers.fal", "poll_interval = '250ms'", "providers.fal.poll_interval", "250ms"},
        {"providers.fal", "submit_timeout = '61s'", "providers.fal.submit_timeout", "61s"},
        {"providers.fal", "submit_unknown_wait = '2h'", "providers.fal.submit_unknown_wait", "2h"},
        {"providers.fal", "on_submit_unknown = 'resubmit'", "providers.fal.on_submit_unknown",
         "resubmit"},
        {"providers.fal", "retry = { base = '1s' }", "providers.fal.retry.base", "1s"},
        {"providers.fal", "retry = { max = '7d' }", "providers.fal.retry.max", "7d"},
        {"downloads", "concurrency = 64", "downloads.concurrency", "64"},
        {"downloads", "stall_timeout = '1m'", "downloads.stall_timeout", "1m"},
        {"downloads", "max_bytes = '20MB'", "downloads.max_bytes", "20000000B"},
        {"downloads", "allowed_hosts = ['*.a.example', '127.0.0.1:80', '[::1]:81']",
         "downloads.allowed_hosts", "*.a.example, 127.0.0.1:80, [::1]:81"},
        {"downloads", "allowed_hosts = []", "downloads.allowed_hosts", "-"},
        {"inputs", "folders = ['/srv/shots', '/srv/sounds']", "inputs.folders",
         "/srv/shots, /srv/sounds"},
        {"inputs", "keep = '2h'", "inputs.keep", "2h"},
        {"inputs", "max_bytes = '2GiB'", "inputs.max_bytes", "2GiB"},
        {"inputs", "spool_max_bytes = '1GiB'", "inputs.spool_max_bytes", "1GiB"},
        {"inputs", "data_uri_max = '0B'", "inputs.data_uri_max", "0B"},
        {"inputs", "upload_concurrency = 16", "inputs.upload_concurrency", "16"},
        {"log", "level = 'debug'", "log.level", "debug"},
    };
    for (const Good& good : table) {
        CAPTURE(good.key);
        const auto config = parse(fmt::format("[{}]\n{}\n", good.section, good.line));
        REQUIRE_MESSAGE(config.has_value(), config.error().context());
        CHECK(value_of(*config, good.key) == good.shown);
        CHECK(value_of(default_config(providers), good.key) != good.shown);
    }
    const auto webhook = parse("[webhook]\nlisten='[::1]:0'\npublic_url='https://h.example/x/'");
    REQUIRE(webhook.has_value());
    REQUIRE(webhook->webhook.has_value());
    CHECK(webhook->webhook->listen == "[::1]:0");
    CHECK(webhook->webhook->public_url == "https://h.example/x");
}

TEST_CASE("a wrong value is refused with file, line, key and what would be right") {
    const std::vector<Bad> table{
        {"paths", "state = 'var/lib'", "paths.state", "must be an absolute path"},
        {"paths", "state = '/a/../b'", "paths.state", "must not hold \"..\""},
        {"paths", "state = 7", "paths.state", "is a whole number, must be text in quotes"},
        {"paths", "outputs = '/out/'", "paths.outputs", "must not end with a slash"},
        {"paths", "outputs = '/var/lib/reeld'", "paths", "a folder of its own"},
        {"paths", "stat = '/x'", "paths.stat", "unknown key; did you mean state?"},
        {"webhook", "listen = 'localhost:1'\npublic_url='http://a'", "webhook.listen",
         "must be an IP address and a port"},
        {"webhook", "listen = '127.0.0.1:70000'\npublic_url='http://a'", "webhook.listen",
         "must be an IP address and a port"},
        {"webhook", "public_url = 'https://h.example'", "webhook", "lacks listen"},
        {"webhook", "listen = '127.0.0.1:1'", "webhook", "lacks public_url"},
        {"webhook", "public_url = 'hooks.example'\nlisten='127.0.0.1:1'", "webhook.public_url",
         "must be an absolute http or https URL"},
        {"webhook", "public_url = 'ftp://h.example'\nlisten='127.0.0.1:1'", "webhook.public_url",
         "must be an absolute http or https URL"},
        {"providers.fal", "queue_url = 'https://me:pw@q.example'", "providers.fal.queue_url",
         "must not hold a user name or a password"},
        {"providers.fal", "queue_url = 'https://q.example?a=1'", "providers.fal.queue_url",
         "must not hold a query"},
        {"providers.fal", "base_url = 'https://q.example'", "providers.fal.base_url",
         "unknown key"},
        {"providers.eachlabs", "queue_url = 'https://q.example'", "providers.eachlabs.queue_url",
         "unknown key"},
        {"providers.fal", "auth = 'bearer'", "providers.fal.auth", "unknown key"},
        {"providers.eachlabs", "auth = 'Bearer'", "providers.eachlabs.auth",
         "is \"Bearer\", must be \"bearer\" or \"x-api-key\""},
        {"providers.fall", "", "providers.fall", "unknown provider; did you mean fal?"},
        {"providers.fal", "key = 'abc'", "providers.fal.key", "unknown key"},
        {"providers.fal", "user_id = ''", "providers.fal.user_id", "1 to 200 bytes"},
        {"providers.fal", "key_file = 'fal.key'", "providers.fal.key_file",
         "must be an absolute path"},
        {"providers.fal", "concurrency = 0", "providers.fal.concurrency",
         "is 0, must be a whole number from 1 to 1000"},
        {"providers.fal", "concurrency = 8.5", "providers.fal.concurrency",
         "is a number with a fraction, must be a whole number"},
        {"providers.fal", "requests_per_minute = 60001", "providers.fal.requests_per_minute",
         "must be a whole number from 1 to 60000"},
        {"providers.fal", "poll_interval = 15", "providers.fal.poll_interval",
         "is a whole number, must be a duration"},
        {"providers.fal", "poll_interval = '15 s'", "providers.fal.poll_interval",
         "must be a duration from 100ms to 1h"},
        {"providers.fal", "submit_timeout = '11m'", "providers.fal.submit_timeout",
         "must be a duration from 100ms to 10m"},
        {"providers.fal", "submit_unknown_wait = '8d'", "providers.fal.submit_unknown_wait",
         "must be a duration from 100ms to 7d"},
        {"providers.fal", "on_submit_unknown = 'retry'", "providers.fal.on_submit_unknown",
         "must be \"hold\" or \"resubmit\""},
        {"providers.fal", "retry = '2s'", "providers.fal.retry", "must be a table such as"},
        {"providers.fal", "retry = { base = '1h', max = '1m' }", "providers.fal.retry",
         "max must not be shorter than base"},
        {"providers.fal", "retry = { first = '1h' }", "providers.fal.retry.first", "unknown key"},
        {"downloads", "concurrency = 65", "downloads.concurrency", "from 1 to 64"},
        {"downloads", "stall_timeout = '0s'", "downloads.stall_timeout", "from 1s to 1h"},
        {"downloads", "max_bytes = '2 GiB'", "downloads.max_bytes", "must be a size"},
        {"downloads", "max_bytes = 1000", "downloads.max_bytes", "must be a size"},
        {"downloads", "allowed_hosts = 'fal.media'", "downloads.allowed_hosts",
         "must be a list of hosts"},
        {"downloads", "allowed_hosts = ['https://fal.media']", "downloads.allowed_hosts",
         "must be a host such as"},
        {"downloads", "allowed_hosts = ['*']", "downloads.allowed_hosts", "must be a host such as"},
        {"downloads", "allowed_hosts = ['*.com']", "downloads.allowed_hosts",
         "must be a host such as"},
        {"log", "level = 'trace'", "log.level", "must be \"debug\", \"info\""},
        {"logs", "level = 'info'", "logs", "unknown section; did you mean log?"},
    };
    for (const Bad& bad : table) {
        CAPTURE(bad.line);
        const std::string text = mistakes(fmt::format("# head\n[{}]\n{}\n", bad.section, bad.line));
        const bool of_section = text.find(fmt::format("reeld.toml:2: {}: ", bad.key)) == 0;
        const bool of_key = text.find(fmt::format("reeld.toml:3: {}: ", bad.key)) == 0;
        CHECK_MESSAGE((of_section || of_key), text);
        CHECK_MESSAGE(text.find(bad.says) != std::string::npos, text);
    }
}

TEST_CASE("the state folder cannot be among those of the inputs") {
    const auto text = [](const std::string& folder) {
        const auto config = parse("[inputs]\nfolders = ['/srv', '" + folder +
                                  "']\n[paths]\nstate = '/data/reel/state'\n");
        return config ? std::string() : config.error().context();
    };
    CHECK(text("/data/reel/state").find(":1: inputs: folders must not hold the state folder") !=
          std::string::npos);
    CHECK(text("/data").find("as /data does") != std::string::npos);
    CHECK(text("/data/reel/state/outputs") == "");
    CHECK(text("/data/reel/sta") == "");
    CHECK(text("srv").find("must be an absolute path") != std::string::npos);
}

TEST_CASE("a socket path too long for the kernel is refused") {
    const std::string path = "/run/" + std::string(103, 's');
    const std::string text = mistakes(fmt::format("[paths]\nsocket = '{}'", path));
    CHECK(text.find("107 bytes") != std::string::npos);
    CHECK(parse(fmt::format("[paths]\nsocket = '{}'", path.substr(0, 107))).has_value());
}

TEST_CASE("all mistakes are reported at once, in the order of the file") {
    const std::string text = mistakes(
        "[log]\nlevel = 1\n[paths]\nstate = 'x'\n[providers.fal]\nconcurrency = -1\nspeed = 2\n");
    CHECK(std::count(text.begin(), text.end(), '\n') == 3);
    const auto log = text.find("reeld.toml:2: log.level: ");
    const auto state = text.find("reeld.toml:4: paths.state: ");
    const auto concurrency = text.find("reeld.toml:6: providers.fal.concurrency: ");
    const auto speed = text.find("reeld.toml:7: providers.fal.speed: ");
    REQUIRE(speed != std::string::npos);
    CHECK(log < state);
    CHECK(state < concurrency);
    CHECK(concurrency < speed);
}

TEST_CASE("text that is no TOML is refused with its line") {
    CHECK(mistakes("[paths]\nstate = \n").find("reeld.toml:2: ") == 0);
    CHECK(mistakes("[log]\nlevel='info'\nlevel='info'\n").find("reeld.toml:3: ") == 0);
    CHECK(mistakes("paths = 1").find("is a whole number, must be a section") != std::string::npos);
}

TEST_CASE("a table without a name is a mistake of the file, not the end of the program") {
    for (const std::string& text :
         {std::string("["), std::string("[\n"), std::string("[,"), std::string("[\0", 2)}) {
        CAPTURE(text);
        CHECK(mistakes("[log]\nlevel = \"info\"\n" + text).starts_with("reeld.toml:3: "));
    }
}

TEST_CASE("a letter of another alphabet is fine in quotes and a mistake outside of them") {
    CHECK(mistakes("[log]\n\xD1\xA3 = 1\n").starts_with("reeld.toml:2: "));
    CHECK(mistakes("[providers.f\xD1\xA3]\n").starts_with("reeld.toml:1: "));
    CHECK(mistakes("[paths] # \xD1\xA3\noutputs = \"/srv/\xD1\xA3 \\\" x\" # \xD1\xA3\n") == "(accepted)");
    CHECK(mistakes("\xEF\xBB\xBF[log]\n") == "(accepted)");
}

TEST_CASE("a foreign text in a message cannot break the line") {
    const std::string text = mistakes("[log]\nlevel = \"a\\nreeld.toml:9: forged\"");
    CHECK(text.find('\n') == std::string::npos);
}

TEST_CASE("plain http in a provider's URL is taken as meant, and warned of for a public host") {
    const auto warnings = [](std::string_view url) {
        const auto config = parse(fmt::format("[providers.fal]\nqueue_url = '{}'", url));
        REQUIRE(config.has_value());
        return config->warnings.size();
    };
    CHECK(warnings("http://127.0.0.1:8470") == 0);
    CHECK(warnings("http://[::1]:8470") == 0);
    CHECK(warnings("http://10.1.2.3") == 0);
    CHECK(warnings("http://172.16.0.1") == 0);
    CHECK(warnings("http://192.168.7.7") == 0);
    CHECK(warnings("http://[fd00::1]") == 0);
    CHECK(warnings("http://localhost") == 0);
    CHECK(warnings("http://box.local") == 0);
    CHECK(warnings("https://queue.example.com") == 0);
    CHECK(warnings("http://queue.example.com") == 1);
    CHECK(warnings("http://172.32.0.1") == 1);
    CHECK(warnings("http://8.8.8.8") == 1);
    CHECK(warnings("http://[2001:db8::1]") == 1);
}

TEST_CASE("the summary shows every value and no more of a URL than its place") {
    const auto config = parse("[providers.fal]\nqueue_url = 'http://queue.example.com/x'\n");
    REQUIRE(config.has_value());
    const std::string text = summary(*config);
    CHECK(text.find("providers.fal.queue_url = http://queue.example.com/x\n") != std::string::npos);
    CHECK(text.find("providers.fal.submit_unknown_wait = 15m\n") != std::string::npos);
    CHECK(text.find("downloads.max_bytes = 2GiB\n") != std::string::npos);
    CHECK(text.find("webhook.listen = -\n") != std::string::npos);
    CHECK(text.find("\nwarning: providers.fal: ") != std::string::npos);
}

TEST_CASE("a reload tells what is in force now and what waits for a restart") {
    const auto before = parse("");
    const auto after = parse(
        "[paths]\nstate='/srv/s'\n[webhook]\nlisten='127.0.0.1:1'\npublic_url='http://a.example'\n"
        "[providers.fal]\nconcurrency=2\nqueue_url='https://q.example'\n[log]\nlevel='debug'\n");
    REQUIRE(before.has_value());
    REQUIRE(after.has_value());
    const ReloadDiff diff = diff_reload(*before, *after);
    CHECK(diff.live ==
          std::vector<std::string>{"log.level: info -> debug", "providers.fal.concurrency: 8 -> 2",
                                   "providers.fal.named: no -> yes",
                                   "providers.fal.queue_url: - -> https://q.example",
                                   "retention.export: /var/lib/reeld/exports -> /srv/s/exports"});
    CHECK(diff.restart ==
          std::vector<std::string>{"paths.state: /var/lib/reeld -> /srv/s",
                                   "webhook.listen: - -> 127.0.0.1:1",
                                   "webhook.public_url: - -> http://a.example"});
    CHECK(diff_reload(*after, *after).empty());

    auto moved = *after;
    moved.webhook->public_url = "http://b.example";
    CHECK(diff_reload(*after, moved).live ==
          std::vector<std::string>{"webhook.public_url: http://a.example -> http://b.example"});
}

TEST_CASE("retention keeps everything unless limits are named, by final state") {
    const auto none = parse("");
    REQUIRE(none.has_value());
    CHECK(value_of(*none, "retention.completed.max_age") == "-");
    CHECK(value_of(*none, "retention.evidence") == "-");
    CHECK(value_of(*none, "retention.export") == "/var/lib/reeld/exports");
    const auto some = parse(
        "[retention]\nexport = \"/srv/reeld\"\ncompleted = { max_age = \"365d\", max_count = 5 }\n"
        "failed = { max_count = 0 }\nevidence = \"90d\"\n");
    REQUIRE_MESSAGE(some.has_value(), some.error().context());
    CHECK(value_of(*some, "retention.completed.max_age") == "365d");
    CHECK(value_of(*some, "retention.completed.max_count") == "5");
    CHECK(value_of(*some, "retention.failed.max_count") == "0");
    CHECK(value_of(*some, "retention.failed.max_age") == "-");
    CHECK(value_of(*some, "retention.cancelled.max_count") == "-");
    CHECK(value_of(*some, "retention.evidence") == "90d");
    CHECK(value_of(*some, "retention.export") == "/srv/reeld");
    const ReloadDiff diff = diff_reload(*none, *some);
    CHECK(diff.restart.empty());
    CHECK(diff.live.size() == 5);
}

TEST_CASE("a mistake in retention names its key") {
    CHECK(mistakes("[retention]\nrunning = { max_age = \"1d\" }\n").find("retention.running") !=
          std::string::npos);
    CHECK(mistakes("[retention]\nfailed = \"1d\"\n").find("must be a table") != std::string::npos);
    CHECK(mistakes("[retention]\nfailed = { max_age = \"soon\" }\n")
              .find("retention.failed.max_age") != std::string::npos);
    CHECK(mistakes("[retention]\nevidence = 7\n").find("retention.evidence") != std::string::npos);
    CHECK(mistakes("[retention]\nexport = \"here\"\n").find("absolute path") != std::string::npos);
    CHECK(mistakes("[retention]\nexport = \"/var/lib/reeld/outputs\"\n").find("of its own") !=
          std::string::npos);
}
