// What a submitter gives: job objects, inbox rows, file name templates; and the media of a result.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <stdlib.h>

#include <charconv>
#include <cstring>
#include <filesystem>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "domain/intake.hpp"
#include "domain/media_probe.hpp"
#include "domain/naming.hpp"
#include "fuzz/target.hpp"
#include "store/inbox.hpp"

namespace reeld::fuzz {
namespace {

using domain::JobRequest;

constexpr Instant now = from_unix_ms(1'795'000'000'000);

json::object written(const JobRequest& request) {
    json::object job;
    if (!request.id.empty()) job["id"] = request.id.str();
    job["model"] = request.model;
    job["input"] = *parse_json(request.input);
    if (!request.batch.empty()) job["batch"] = request.batch;
    job["priority"] = request.priority;
    if (request.not_before) job["not_before"] = to_rfc3339(*request.not_before);
    if (request.deadline) job["deadline"] = to_rfc3339(*request.deadline);
    job["max_attempts"] = request.max_attempts;
    if (!request.output.empty()) job["output"] = request.output;
    json::object labels;
    for (const auto& [key, value] : request.labels) labels[key] = value;
    job["labels"] = std::move(labels);
    if (request.unchecked) job["unchecked"] = true;
    return job;
}

void check_path(const domain::Job& job, const domain::Output& output, int collision) {
    const std::string path = domain::file_name(job, output, "mp4", collision);
    must(!path.empty() && !path.starts_with('/') && !path.ends_with('/'), "a file: " + path);
    must(path.size() < 3500, "a path that fits");
    must(is_utf8(path), "a name that can be shown");
    const std::filesystem::path root = "/outputs";
    const auto whole = (root / path).lexically_normal();
    must(whole == root / path && whole.string().starts_with("/outputs/"),
         "below the outputs folder: " + path);
    for (const auto& part : std::filesystem::path(path)) {
        const std::string name = part.string();
        must(!name.empty() && name.front() != '.' && name.size() <= 255, "a name: " + name);
        must(name.find_first_of(std::string_view("\\\0:*?\"<>|\n\r\x1B\x7F", 13)) ==
                 std::string::npos,
             "a harmless name");
    }
}

void check_intake(const domain::Intake& intake) {
    if (const auto* errors = std::get_if<std::vector<domain::FieldError>>(&intake)) {
        must(!errors->empty(), "a refusal says why");
        for (const auto& error : *errors) {
            must(is_utf8(error.field) && is_utf8(error.message), "an error that can be shown");
            must(error.message.size() < 2000, "a short error");
        }
        return;
    }
    const auto& request = std::get<JobRequest>(intake);
    const auto again = domain::parse_job(written(request), now);
    must(std::holds_alternative<JobRequest>(again), "a job that was taken is taken again");
    must(std::get<JobRequest>(again) == request, "a job reads back as itself");
    domain::Job job;
    job.request = request;
    job.outputs.resize(2);
    job.outputs[1].index = 1;
    check_path(job, job.outputs[1], 3);
}

// One inbox on a disk that the process alone sees.
class Box {
  public:
    Box() {
        // Every row is synced twice: in memory that costs nothing.
        const std::filesystem::path memory = "/dev/shm";
        const auto parent = std::filesystem::is_directory(memory)
                                ? memory
                                : std::filesystem::temp_directory_path();
        std::string folder = (parent / "reeld-fuzz-XXXXXX").string();
        if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder_ = folder;
        inbox = store::Inbox::open(folder + "/inbox.db").value();
        foreign = std::make_unique<SQLite::Database>(folder + "/inbox.db",
                                                     SQLite::OPEN_READWRITE);
        foreign->exec("PRAGMA synchronous = OFF");
    }
    ~Box() {
        inbox.reset();
        foreign.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    std::unique_ptr<store::Inbox> inbox;
    std::unique_ptr<SQLite::Database> foreign;

  private:
    std::string folder_;
};

// "#12" is a number, "~1.5" one with a fraction, "x6162" a blob, anything else a text.
void bind(SQLite::Statement& insert, int at, std::string_view value) {
    std::int64_t whole = 0;
    double fraction = 0;
    const char* end = value.data() + value.size();
    if (value.starts_with('#')) {
        std::from_chars(value.data() + 1, end, whole);
        insert.bind(at, whole);
    } else if (value.starts_with('~')) {
        std::from_chars(value.data() + 1, end, fraction);
        insert.bind(at, fraction);
    } else if (const auto blob = value.starts_with('x') ? from_hex(value.substr(1))
                                                         : std::nullopt) {
        insert.bind(at, blob->data(), static_cast<int>(blob->size()));
    } else {
        insert.bind(at, std::string(value));
    }
}

}  // namespace

void run_job(std::string_view input) {
    const auto value = parse_json(input);
    if (!value) return;
    check_intake(domain::parse_job(*value, now));
}

void run_inbox_row(std::string_view input) {
    static Box box;
    box.foreign->exec("DELETE FROM jobs");
    SQLite::Statement insert(
        *box.foreign,
        "INSERT INTO jobs (model, input, id, batch, priority, not_before, deadline, max_attempts, "
        "output, labels, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    Lines lines(input);
    for (int column = 1; column <= 11 && !lines.empty(); ++column) {
        const std::string_view value = lines.next();
        if (value != "-") bind(insert, column, value);
    }
    insert.exec();
    const auto rows = box.inbox->pending(10);
    must(rows.has_value(), "the inbox can be read");
    for (const auto& row : *rows) {
        const auto intake = domain::parse_job(row.job, now);
        check_intake(intake);
        if (std::holds_alternative<JobRequest>(intake)) {
            must(box.inbox->remove({row}).has_value(), "a taken row goes");
        } else {
            const std::string why = std::get<1>(intake).front().message;
            must(box.inbox->reject(row, why).has_value(), "a refused row is told why");
        }
    }
    const auto left = box.inbox->pending(10);
    must(left && left->empty(), "no row is looked at twice");
}

void run_naming(std::string_view input) {
    Lines lines(input);
    domain::Job job;
    job.request.id = JobId("job-1");
    job.request.output = std::string(lines.next());
    job.request.batch = std::string(lines.next());
    job.request.model = std::string(lines.next());
    job.request.labels["a"] = std::string(lines.next());
    job.request.labels["b"] = std::string(lines.rest());
    job.created_at = now;
    domain::Output output;
    output.url = job.request.labels["b"];
    output.file_name = job.request.labels["b"];
    output.content_type = job.request.labels["a"];
    job.outputs = {output, output};
    for (const int collision : {0, 1, 123456}) check_path(job, output, collision);
    const std::string extension = domain::extension_of(output.content_type, output.url);
    must(!extension.empty() && extension.size() <= 5, "a known extension");
    must(extension.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos,
         "an extension of letters");
    const auto checked = domain::check_template(job.request.output);
    if (!checked) must(!checked.error().context().empty(), "a refusal says why");
}

void run_media(std::string_view input) {
    std::size_t reads = 0;
    const domain::ReadAt read = [&](std::uint64_t offset,
                                    std::span<char> out) -> Result<std::size_t> {
        must(++reads <= 100'000, "a bounded number of reads");
        if (offset >= input.size()) return std::size_t{0};
        const std::size_t size = std::min<std::size_t>(out.size(), input.size() - offset);
        std::memcpy(out.data(), input.data() + offset, size);
        return size;
    };
    for (const std::uint64_t size : {std::uint64_t{input.size()}, std::uint64_t{1} << 62}) {
        reads = 0;
        const auto facts = domain::probe_media(read, size);
        if (!facts) {
            must(is_utf8(facts.error().context()), "an error that can be shown");
            continue;
        }
        must(!facts->content_type.empty(), "media has a type");
        must(!facts->width || *facts->width >= 0, "a width");
        must(!facts->height || *facts->height >= 0, "a height");
        must(!facts->duration_s || *facts->duration_s >= 0, "a duration");
    }
}

}  // namespace reeld::fuzz
