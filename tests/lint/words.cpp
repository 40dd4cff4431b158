#include "lint/words.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace reeld::lint {
namespace {

void add_words(std::vector<Finding>& found, const File& file, std::string_view text,
               std::string_view rule, std::string_view word, std::string_view why) {
    for (const auto at : words(text, word)) {
        found.push_back({std::string(rule), file.path, line_at(text, at),
                         std::string(word) + ": " + std::string(why)});
    }
}

// A plain call of a C function, not of a member with that name.
void add_calls(std::vector<Finding>& found, const File& file, std::string_view code,
               std::string_view name) {
    for (const auto at : words(code, name)) {
        const auto after = at + name.size();
        const bool call = after < code.size() && code[after] == '(';
        const bool member = at > 0 && (code[at - 1] == '.' || code[at - 1] == '>');
        // "int sleep(" declares a name of our own.
        const auto before = code.substr(0, at).find_last_not_of(" \n");
        const bool declared = before != std::string_view::npos && before + 1 < at &&
                              is_name_char(code[before]) &&
                              !code.substr(0, before + 1).ends_with("return");
        if (!call || member || declared) continue;
        found.push_back({"direct", file.path, line_at(code, at),
                         std::string(name) + "(): take a Clock or an Rng instead"});
    }
}

}  // namespace

std::vector<Finding> check_direct_calls(const File& file) {
    std::vector<Finding> found;
    if (!is_cpp(file.path) || file.path.starts_with("lib/runtime/")) return found;
    const std::string code = code_only(file.text);
    for (const std::string_view word :
         {"system_clock::now", "steady_clock::now", "high_resolution_clock", "random_device",
          "this_thread", "time(nullptr)", "time(0)", "std::time"}) {
        add_words(found, file, code, "direct", word, "take a Clock or an Rng instead");
    }
    for (const std::string_view name : {"sleep", "usleep", "nanosleep", "rand", "srand",
                                        "clock_gettime", "gettimeofday", "getrandom"}) {
        add_calls(found, file, code, name);
    }
    return found;
}

std::vector<Finding> check_dropped_tasks(const File& file) {
    std::vector<Finding> found;
    if (!is_cpp(file.path)) return found;
    add_words(found, file, code_only(file.text), "dropped_task", "detached",
              "drops exceptions; start tasks with TaskGroup::spawn");
    return found;
}

std::vector<Finding> check_state(const File& file) {
    std::vector<Finding> found;
    if (!is_cpp(file.path) || file.path.starts_with("lib/domain/transition")) return found;
    for (const Include& include : includes(file.text)) {
        if (include.target != "domain/transition_steps.hpp") continue;
        found.push_back({"state", file.path, include.line, "belongs to transition() alone"});
    }
    if (!file.path.starts_with("lib/") || file.path.starts_with("lib/store/")) return found;
    const std::string code = code_only(file.text);
    for (const std::size_t at : words(code, "state")) {
        const std::string_view before = std::string_view(code).substr(0, at);
        const auto next = code.find_first_not_of(" \n", at + std::string_view("state").size());
        const bool member = before.ends_with('.') || before.ends_with("->");
        const bool assigned =
            next != std::string::npos && code[next] == '=' && code.compare(next, 2, "==") != 0;
        if (!member || !assigned) continue;
        found.push_back({"state", file.path, line_at(code, at),
                         "a job's state changes only in transition()"});
    }
    return found;
}

std::vector<Finding> check_sql(const File& file) {
    std::vector<Finding> found;
    const bool ours = file.path.starts_with("lib/") || file.path.starts_with("daemon/");
    if (!is_cpp(file.path) || !ours || file.path.ends_with("_test.cpp")) return found;
    for (const Literal& literal : string_literals(file.text)) {
        for (const std::string_view word :
             {"SELECT", "INSERT INTO", "UPDATE", "DELETE FROM", "CREATE TABLE", "CREATE INDEX",
              "CREATE TRIGGER", "ALTER TABLE", "DROP TABLE", "PRAGMA", "BEGIN IMMEDIATE",
              "COMMIT", "ROLLBACK", "SAVEPOINT"}) {
            if (words(literal.text, word).empty()) continue;
            found.push_back({"sql", file.path, literal.line,
                             std::string(word) + " belongs in lib/store/sql or migrations"});
        }
    }
    return found;
}

std::vector<Finding> check_marks(const File& file) {
    std::vector<Finding> found;
    // Taken apart, so that this file does not find itself.
    for (const std::string_view mark : {"TO" "DO", "FIX" "ME", "X" "XX"}) {
        add_words(found, file, file.text, "mark", mark, "finish it or leave it out");
    }
    return found;
}

std::vector<Finding> check_machine_paths(const File& file) {
    std::vector<Finding> found;
    for (const std::string_view path : {"/t" "mp/", "/wo" "rk/", "/ro" "ot/"}) {
        for (auto at = file.text.find(path); at != std::string::npos;
             at = file.text.find(path, at + 1)) {
            // Only at the start of a path: "a/work/b" is somebody's relative one.
            const char before = at == 0 ? ' ' : file.text[at - 1];
            if (is_name_char(before) || before == '.' || before == '/' || before == '}') continue;
            found.push_back({"machine_path", file.path, line_at(file.text, at),
                             std::string(path) + " exists on one machine only"});
        }
    }
    return found;
}

std::vector<Finding> check_size(const File& file) {
    constexpr std::size_t most = 300 * 1024;
    if (file.text.size() <= most) return {};
    return {{"size", file.path, 1, std::to_string(file.text.size()) + " bytes are too many"}};
}

}  // namespace reeld::lint
