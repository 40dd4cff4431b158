#include "reel/render_verify.hpp"

#include <fmt/format.h>

#include "reel/render_job.hpp"

namespace reeld::reel {
namespace {

std::int64_t count(const json::object& object, std::string_view name) {
    return find_int(object, name).value_or(0);
}

// "" where there is none.
std::string number_text(const json::object& object, std::string_view name) {
    const auto number = find_int(object, name);
    return number ? std::to_string(*number) : std::string();
}

std::string head_of(const json::object& report) {
    const auto* head = find_object(report, "head");
    if (head == nullptr) return {};
    return fmt::format("{}:{}", count(*head, "id"), find_string(*head, "hash").value_or(""));
}

// "job boat-1, event 3 (12)", "the trail, event 17", "job boat-1, /videos/boat-1.mp4"
std::string subject(const json::object& finding) {
    const std::string job = member(finding, "job");
    const std::string file = member(finding, "file");
    std::string text = job.empty() ? std::string("the database") : "job " + job;
    if (const auto event = find_int(finding, "event")) {
        if (job.empty()) text = "the trail";
        const auto number = find_int(finding, "number");
        text += number ? fmt::format(", event {} (id {})", *number, *event)
                       : fmt::format(", event id {}", *event);
    }
    if (!file.empty()) text += ", " + file;
    return text;
}

std::string what_was_read(const json::object& report) {
    std::string text = fmt::format(
        "{} events, {} pieces of evidence, {} jobs with {} submits", count(report, "events"),
        count(report, "evidence"), count(report, "jobs"), count(report, "attempts"));
    if (find_bool(report, "files_skipped").value_or(false)) {
        text += "; files were skipped";
    } else {
        text += fmt::format(", {} files of {}", count(report, "files"),
                            format_size(static_cast<std::uint64_t>(count(report, "file_bytes"))));
    }
    const auto events = count(report, "events_pruned");
    const auto evidence = count(report, "evidence_pruned");
    if (events + evidence > 0) {
        text += fmt::format("; removed by age: {} events, {} pieces of evidence", events, evidence);
    }
    return text;
}

std::string for_people(const json::object& report, const json::array& findings, const Look& look) {
    std::string text;
    for (const auto& one : findings) {
        const auto* finding = one.if_object();
        if (finding == nullptr) continue;
        text += fmt::format("{} {}: {}\n", paint("✗", Colour::red, look),
                            clean(subject(*finding)), clean(member(*finding, "message")));
    }
    const auto problems = count(report, "problems");
    const auto shown = static_cast<std::int64_t>(findings.size());
    if (problems > shown) text += fmt::format("… and {} more\n", problems - shown);
    text += problems == 0
                ? paint("✓", Colour::green, look) + " everything fits\n"
                : fmt::format("{} {}\n", problems,
                              problems == 1 ? "thing does not fit" : "things do not fit");
    text += what_was_read(report) + "\n";
    text += fmt::format("head {}\n", head_of(report));
    if (problems == 0) {
        text += "Note the head somewhere else: `reel verify --since HEAD` then proves that nothing "
                "up to it was rewritten.\n";
    }
    return text;
}

std::string for_pipes(const json::object& report, const json::array& findings) {
    std::string text;
    for (const auto& one : findings) {
        const auto* finding = one.if_object();
        if (finding == nullptr) continue;
        text += tabbed({"problem", member(*finding, "check"), member(*finding, "job"),
                        number_text(*finding, "event"), number_text(*finding, "number"),
                        member(*finding, "file"), member(*finding, "message")});
    }
    for (const std::string_view name :
         {"problems", "events", "events_pruned", "evidence", "evidence_pruned", "jobs", "attempts",
          "files", "file_bytes"}) {
        text += tabbed({std::string(name), std::to_string(count(report, name))});
    }
    return text + tabbed({"head", head_of(report)});
}

}  // namespace

std::string progress_line(const json::object& progress) {
    std::string text = fmt::format("verifying: {} {} of {}", member(progress, "stage"),
                                   count(progress, "done"), count(progress, "total"));
    const auto bytes = count(progress, "file_bytes");
    if (bytes > 0) {
        text += fmt::format(", {} of files read", format_size(static_cast<std::uint64_t>(bytes)));
    }
    return clean(text);
}

std::string render_report(const json::object& report, const Look& look) {
    static const json::array none;
    const auto* findings = find_array(report, "findings");
    const json::array& list = findings == nullptr ? none : *findings;
    return look.terminal ? for_people(report, list, look) : for_pipes(report, list);
}

}  // namespace reeld::reel
