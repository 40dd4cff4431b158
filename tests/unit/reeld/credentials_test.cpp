// Goal: a key is found in the documented order, and a source that is there but wrong stops the
// search with a message that tells how to mend it and never shows the key.
#include "reeld/credentials.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace reeld;
using namespace reeld::daemon;

namespace {

struct FakeSources final : KeySources {
    std::map<std::string, std::string> variables;
    std::map<std::string, KeyFile> files;

    std::optional<std::string> environment(const std::string& name) const override {
        const auto at = variables.find(name);
        return at == variables.end() ? std::nullopt : std::optional(at->second);
    }
    Result<std::optional<KeyFile>> read(const std::string& path) const override {
        const auto at = files.find(path);
        return at == files.end() ? std::optional<KeyFile>{} : std::optional(at->second);
    }
};

FakeSources everything() {
    FakeSources sources;
    sources.variables = {{"CREDENTIALS_DIRECTORY", "/creds"}, {"FAL_KEY", "from-environment"}};
    sources.files = {{"/creds/fal_key", {"from-credential\n", 0400}},
                     {"/etc/key", {"from-file\r\n", 0600}}};
    return sources;
}

Error error_of(const std::string& provider, const std::string& file, const FakeSources& sources) {
    const auto key = find_key(provider, file, sources);
    REQUIRE_FALSE(key.has_value());
    return key.error();
}

}  // namespace

TEST_CASE("the credential comes before the key file, which comes before the environment") {
    FakeSources sources = everything();
    auto key = find_key("fal", "/etc/key", sources);
    REQUIRE(key.has_value());
    CHECK(key->key.reveal() == "from-credential");
    CHECK(key->source == "credential fal_key");

    sources.files.erase("/creds/fal_key");
    key = find_key("fal", "/etc/key", sources);
    REQUIRE(key.has_value());
    CHECK(key->key.reveal() == "from-file");
    CHECK(key->source == "key_file /etc/key");

    key = find_key("fal", "", sources);
    REQUIRE(key.has_value());
    CHECK(key->key.reveal() == "from-environment");
    CHECK(key->source == "environment FAL_KEY");

    sources.variables.clear();
    key = find_key("fal", "", sources);
    REQUIRE(key.has_value());
    CHECK(key->key.empty());
    CHECK(key->source.empty());
}

TEST_CASE("fal's key may come in its two halves, but not in one") {
    FakeSources sources;
    sources.variables = {{"FAL_KEY_ID", "id"}, {"FAL_KEY_SECRET", "secret"}};
    const auto key = find_key("fal", "", sources);
    REQUIRE(key.has_value());
    CHECK(key->key.reveal() == "id:secret");
    CHECK(key->source == "environment FAL_KEY_ID and FAL_KEY_SECRET");

    sources.variables.erase("FAL_KEY_SECRET");
    const Error error = error_of("fal", "", sources);
    CHECK(error.code() == ErrorCode::invalid);
    CHECK(error.context() ==
          "environment FAL_KEY_ID is set without FAL_KEY_SECRET; set both, or FAL_KEY alone");
}

TEST_CASE("another provider reads its own variable and none of fal's") {
    FakeSources sources;
    sources.variables = {{"EACHLABS_API_KEY", "each"}, {"FAL_KEY", "fal"}};
    auto key = find_key("eachlabs", "", sources);
    REQUIRE(key.has_value());
    CHECK(key->key.reveal() == "each");
    sources.variables.erase("EACHLABS_API_KEY");
    key = find_key("eachlabs", "", sources);
    REQUIRE(key.has_value());
    CHECK(key->key.empty());
}

TEST_CASE("a variable that is set but empty is the same as one that is not set") {
    FakeSources sources;
    sources.variables = {{"CREDENTIALS_DIRECTORY", ""}, {"FAL_KEY", ""}};
    const auto key = find_key("fal", "", sources);
    REQUIRE(key.has_value());
    CHECK(key->key.empty());
}

TEST_CASE("a key file that others may read is refused with the command that mends it") {
    FakeSources sources;
    for (const unsigned mode : {0644u, 0602u, 0601u}) {
        sources.files["/etc/key"] = {"key", mode};
        const Error error = error_of("fal", "/etc/key", sources);
        CHECK(error.code() == ErrorCode::refused);
        CHECK(error.context().find("chmod 0600 /etc/key") != std::string::npos);
    }
    sources.files["/etc/key"] = {"key", 0640};
    CHECK(find_key("fal", "/etc/key", sources).has_value());
}

TEST_CASE("a key file that is named but missing is an error, not a reason to use another key") {
    FakeSources sources;
    sources.variables = {{"FAL_KEY", "from-environment"}};
    const Error error = error_of("fal", "/etc/key", sources);
    CHECK(error.code() == ErrorCode::not_found);
    CHECK(error.context() == "key_file /etc/key does not exist");
}

TEST_CASE("a key with a space, a line break or a control character inside is refused unseen") {
    for (const std::string text : {"top secret", "top\nsecret", "top\x01secret", "\xEF\xBB\xBFtop",
                                   " topsecret", "topsecret "}) {
        FakeSources sources;
        sources.variables = {{"FAL_KEY", text}};
        const Error error = error_of("fal", "", sources);
        CHECK(error.code() == ErrorCode::invalid);
        CHECK(error.context().find("environment FAL_KEY holds") == 0);
        CHECK(error.context().find("secret") == std::string::npos);
    }
}

TEST_CASE("an empty credential or key file is an error") {
    FakeSources sources = everything();
    sources.files["/creds/fal_key"].content = "\n";
    CHECK(error_of("fal", "", sources).context() ==
          "credential fal_key is empty; it must hold the key");
}

TEST_CASE("what doctor says names every place") {
    CHECK(where_keys_are_looked_for("fal", "") ==
          "the systemd credential fal_key, a key_file in [providers.fal], the environment variable "
          "FAL_KEY");
    CHECK(where_keys_are_looked_for("eachlabs", "/etc/k") ==
          "the systemd credential eachlabs_key, key_file /etc/k, the environment variable "
          "EACHLABS_API_KEY");
}

TEST_CASE("the real sources tell a missing file from one that cannot be a key") {
    const auto sources = system_key_sources();
    const auto missing = sources->read(REELD_SOURCE_DIR "/no such file");
    REQUIRE(missing.has_value());
    CHECK_FALSE(missing->has_value());
    const auto folder = sources->read(REELD_SOURCE_DIR);
    REQUIRE_FALSE(folder.has_value());
    CHECK(folder.error().code() == ErrorCode::io);
    const auto large = sources->read(REELD_SOURCE_DIR "/daemon/reeld/config.cpp");
    REQUIRE_FALSE(large.has_value());
    CHECK(large.error().code() == ErrorCode::too_large);
    const auto file = sources->read(REELD_SOURCE_DIR "/.clang-format");
    REQUIRE(file.has_value());
    REQUIRE(file->has_value());
    CHECK((*file)->content.starts_with("BasedOnStyle"));
    CHECK((*file)->mode != 0);
}
