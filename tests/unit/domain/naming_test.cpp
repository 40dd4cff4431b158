#include "domain/naming.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "base/encoding.hpp"

using namespace reeld;
using domain::check_template;
using domain::file_name;

namespace {

domain::Job sample(std::string output = {}) {
    domain::Job job;
    job.request.id = JobId("job-1");
    job.request.batch = "nightly";
    job.request.model = "fal-ai/x";
    job.request.output = std::move(output);
    job.attempt = 2;
    job.created_at = *parse_rfc3339("2026-11-21T23:30:00-02:00");
    job.outputs.resize(1);
    return job;
}

std::string name(const std::string& output, int collision = 0) {
    const domain::Job job = sample(output);
    return file_name(job, job.outputs[0], "mp4", collision);
}

std::string complaint(std::string_view text) {
    const auto checked = check_template(text);
    return checked ? "accepted" : checked.error().context();
}

void check_is_safe(const std::string& path) {
    CAPTURE(path);
    REQUIRE_FALSE(path.empty());
    CHECK(is_utf8(path));
    CHECK(path.find('\0') == std::string::npos);
    CHECK(path.find('\\') == std::string::npos);
    std::size_t at = 0;
    while (at <= path.size()) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string component = path.substr(at, end - at);
        CHECK_FALSE(component.empty());
        CHECK(component.size() <= 200);
        CHECK(component.front() != '.');
        at = end + 1;
    }
}

}  // namespace

TEST_CASE("the default name is the batch's folder and the job's id") {
    CHECK(name("") == "nightly/job-1.mp4");
    domain::Job job = sample();
    job.request.batch.clear();
    CHECK(file_name(job, job.outputs[0], "mp4", 0) == "job-1.mp4");
}

TEST_CASE("every placeholder is filled in") {
    domain::Job job = sample("{date}/{model}/{label.scene}_{n}_{index}_{attempt}_{id}.{ext}");
    job.request.labels["scene"] = "12";
    CHECK(file_name(job, job.outputs[0], "webm", 0) == "2026-11-22/fal-ai_x/12_1_0_2_job-1.webm");
}

TEST_CASE("several outputs and collisions number the file before its extension") {
    domain::Job job = sample();
    job.outputs.resize(2);
    job.outputs[1].index = 1;
    CHECK(file_name(job, job.outputs[1], "mp4", 0) == "nightly/job-1-2.mp4");
    CHECK(file_name(job, job.outputs[1], "mp4", 1) == "nightly/job-1-2-2.mp4");
    job.request.output = "{id}_{index}.{ext}";
    CHECK(file_name(job, job.outputs[1], "mp4", 0) == "job-1_1.mp4");
    CHECK(name("", 1) == "nightly/job-1-2.mp4");
    CHECK(name("{id}", 2) == "job-1-3");
    CHECK(name("x.final.{ext}", 1) == "x.final-2.mp4");
}

TEST_CASE("the dots of a value are no extension") {
    domain::Job job = sample("{id}");
    job.request.id = JobId("v1.2");
    CHECK(file_name(job, job.outputs[0], "mp4", 1) == "v1.2-2");
    job.request.output = "{label.take.a}.{ext}";
    job.request.labels["take.a"] = "one.two";
    CHECK(file_name(job, job.outputs[0], "mp4", 1) == "one.two-2.mp4");
}

TEST_CASE("a value loses what is not safe in a file name and keeps its letters") {
    domain::Job job = sample("{batch}/{id}.{ext}");
    const auto folder = [&](std::string batch) {
        job.request.batch = std::move(batch);
        const std::string path = file_name(job, job.outputs[0], "mp4", 0);
        return path.substr(0, path.find('/'));
    };
    CHECK(folder("Grüße 東京") == "Grüße 東京");
    CHECK(folder("../../etc") == "___.._etc");
    CHECK(folder("a/b\\c:d") == "a_b_c_d");
    CHECK(folder("..") == "__");
    CHECK(folder(".hidden") == "_hidden");
    CHECK(folder(std::string("a\0b\x1F\x7F", 5)) == "a_b__");
    CHECK(folder("end. ") == "end__");
    CHECK(folder("bad\xFFutf") == "bad_utf");
}

TEST_CASE("a long value is clipped between two characters and the extension stays") {
    domain::Job job = sample("{batch}.{ext}");
    for (int i = 0; i < 100; ++i)
        job.request.batch += "東";
    const std::string path = file_name(job, job.outputs[0], "mp4", 3);
    CHECK(path.size() <= 200);
    CHECK(path.ends_with("東-4.mp4"));
    CHECK(is_utf8(path));
}

TEST_CASE("a name that would be empty falls back to the job's id") {
    CHECK(name("{label.none}.{ext}") == "job-1.mp4");
    CHECK(name("{label.none}/{label.none}/{label.none}") == "job-1");
}

TEST_CASE("a stored template that breaks the rules gives the default name") {
    CHECK(name("../{id}.{ext}") == "nightly/job-1.mp4");
    CHECK(name("/etc/passwd") == "nightly/job-1.mp4");
    CHECK(name("{nope}") == "nightly/job-1.mp4");
}

TEST_CASE("a template that is wrong is refused with what would be right") {
    CHECK(complaint("{batch}/{id}.{ext}") == "accepted");
    CHECK(complaint("Größe {date} {label.a-b}.{ext}") == "accepted");
    CHECK(complaint("/x").find("relative to the outputs folder") != std::string::npos);
    CHECK(complaint("a/../b").find("starts with a dot") != std::string::npos);
    CHECK(complaint(".hidden/x").find("starts with a dot") != std::string::npos);
    CHECK(complaint("a//b").find("empty") != std::string::npos);
    CHECK(complaint("a/").find("ends with \"/\"") != std::string::npos);
    CHECK(complaint("").find("empty") != std::string::npos);
    CHECK(complaint("a\nb").find("control") != std::string::npos);
    CHECK(complaint("{ids}").find("did you mean {id}?") != std::string::npos);
    CHECK(complaint("{prompt}").find("known are {id}") != std::string::npos);
    CHECK(complaint("{label.}").find("unknown") != std::string::npos);
    CHECK(complaint("{label.a b}").find("unknown") != std::string::npos);
    CHECK(complaint("{id").find("brace") != std::string::npos);
    CHECK(complaint("id}").find("brace") != std::string::npos);
    CHECK(complaint("{{id}}").find("brace") != std::string::npos);
    CHECK(complaint("a:b").find("':'") != std::string::npos);
    CHECK(complaint("a\\b").find("'\\'") != std::string::npos);
    CHECK(complaint(std::string(201, 'x')).find("at most 200") != std::string::npos);
    CHECK(complaint(std::string(200, 'x')) == "accepted");
    CHECK(complaint("bad\xFF").find("UTF-8") != std::string::npos);
}

TEST_CASE("no template and no value ever leads out of the folder") {
    std::mt19937_64 random(7);  // NOLINT: repeatable on purpose
    const std::vector<std::string> bits{
        "{id}", "{batch}", "{model}", "{ext}", "{n}", "{index}", "{date}", "{label.a}", "/", "..",
        ".",    "a",       "é",       "{",     "}",   "-",       " ",      "{attempt}"};
    const std::vector<std::string> values{"..",
                                          "../..",
                                          "/",
                                          ".",
                                          "",
                                          "a",
                                          std::string("\0", 1),
                                          "é/..",
                                          "\xFF\xFE",
                                          std::string(500, '.'),
                                          std::string(300, 'x'),
                                          " ",
                                          "\\..\\",
                                          "\xC2\x85"};
    const auto pick = [&](const std::vector<std::string>& from) {
        return from[random() % from.size()];
    };
    int own = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (std::uint64_t i = 0, n = 1 + random() % 6; i < n; ++i)
            text += pick(bits);
        domain::Job job = sample(text);
        job.request.id = JobId(pick(values));
        job.request.batch = pick(values) + pick(values);
        job.request.model = pick(values);
        job.request.labels["a"] = pick(values) + pick(values);
        job.outputs.resize(1 + random() % 3);
        own += check_template(text).has_value() ? 1 : 0;
        check_is_safe(file_name(job, job.outputs[0], pick(values), static_cast<int>(random() % 3)));
    }
    CHECK(own > 1000);
}

TEST_CASE("the extension comes from the content type, else from the URL, else it is bin") {
    using domain::extension_of;
    CHECK(extension_of("video/mp4", "") == "mp4");
    CHECK(extension_of("Video/MP4; codecs=avc1", "https://x/y.webm") == "mp4");
    CHECK(extension_of("image/jpeg", "") == "jpg");
    CHECK(extension_of("", "https://x/y/Out.MP4?sig=a.b/c#d.png") == "mp4");
    CHECK(extension_of("application/octet-stream", "https://x/y.mov") == "mov");
    CHECK(extension_of("", "https://example.com/download") == "bin");
    CHECK(extension_of("", "https://example.com") == "bin");
    CHECK(extension_of("", "https://x/y.exe") == "bin");
    CHECK(extension_of("", "") == "bin");
    CHECK(extension_of("audio/pcm", "") == "pcm");
    CHECK(extension_of("", "https://x/y.pcm") == "pcm");
    CHECK(extension_of("", "https://x/y", domain::MediaKind::video) == "mp4");
    CHECK(extension_of("", "https://x/y.exe", domain::MediaKind::audio) == "mp3");
    CHECK(extension_of("", "", domain::MediaKind::image) == "png");
    CHECK(extension_of("image/jpeg", "", domain::MediaKind::image) == "jpg");
}
