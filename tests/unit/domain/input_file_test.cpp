#include "domain/input_file.hpp"

#include <doctest/doctest.h>

using namespace reeld;
using namespace reeld::domain;
using namespace std::chrono_literals;

namespace {

constexpr Instant start = from_unix_ms(1'795'000'000'000);

InputFile file(const std::string& field, const std::string& url) {
    InputFile made;
    made.field = field;
    made.path = "/srv/shots/a.png";
    made.url = url;
    return made;
}

}  // namespace

TEST_CASE("URLs stand in for the files at the ends of their fields, nowhere else") {
    const std::string input =
        R"({"a.b":"/srv/shots/a.png","deep":{"list":["x","/srv/shots/a.png"]},"image_url":"/srv/shots/a.png"})";
    CHECK(with_urls(input, {file("input.image_url", "https://f.test/1"),
                            file("input.deep.list[1]", "https://f.test/2"),
                            file("input.not_there", "https://f.test/3"),
                            file("input.a.b", "")}) ==
          R"({"a.b":"/srv/shots/a.png","deep":{"list":["x","https://f.test/2"]},"image_url":"https://f.test/1"})");
    CHECK(with_urls(input, {}) == input);
}

TEST_CASE("a URL is used until an hour before its end, or for four fifths of a short life") {
    InputFile one = file("input.a", "https://f.test/1");
    CHECK(is_usable(one, start));
    CHECK_FALSE(usable_until(std::vector{one}).has_value());
    one.uploaded_at = start;
    one.expires_at = start + 24h;
    CHECK(is_usable(one, start + 23h - 1ms));
    CHECK_FALSE(is_usable(one, start + 23h));
    one.expires_at = start + 10min;
    CHECK(is_usable(one, start + 8min - 1ms));
    CHECK_FALSE(is_usable(one, start + 8min));
    CHECK(usable_until(std::vector{one}) == start + 8min);
    CHECK(usable_until(std::vector{one, file("input.b", "")}) == Instant{});
    CHECK_FALSE(is_usable(file("input.b", ""), start));
    CHECK(all_usable({}, start));
}

TEST_CASE("files are read back as they were written, and nothing else is taken for them") {
    InputFile one = file("input.a", "https://f.test/1");
    one.bytes = 1'234;
    one.modified_ns = 1'795'000'000'000'000'001;
    one.content_type = "image/png";
    one.sha256 = std::string(64, 'a');
    one.fresh = true;
    one.uploaded_at = start;
    one.expires_at = start + 1h;
    InputFile small = file("input.b", "data:image/png;base64,AAAA");
    small.as_data_uri = true;
    small.bytes = 3;
    small.content_type = "image/png";
    const std::vector<InputFile> files{one, small};
    const auto text = canonical_json(to_json(files));
    CHECK(input_files_of(parse_json(text).value()) == files);
    CHECK(shown_url(small) == "data:image/png of 3 bytes");
    CHECK(shown_url(one) == "https://f.test/1");
    for (const char* bad : {"{}", "[1]", R"([{"field":"input.a"}])",
                            R"([{"bytes":-1,"content_type":"a","field":"a","modified_ns":1,"path":"/a"}])"}) {
        CHECK_FALSE(input_files_of(parse_json(bad).value()).has_value());
    }
}
