#include "lint/coroutine_traps.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>

namespace reeld::lint {
namespace {

constexpr auto npos = std::string_view::npos;

std::size_t last_visible_before(std::string_view code, std::size_t at) {
    return at == 0 ? npos : code.substr(0, at).find_last_not_of(" \n\t");
}

std::size_t first_visible_from(std::string_view code, std::size_t at) {
    return code.find_first_not_of(" \n\t", at);
}

std::size_t matching_open(std::string_view code, std::size_t close) {
    int depth = 0;
    for (std::size_t at = close + 1; at-- > 0;) {
        const char c = code[at];
        if (c == ')' || c == ']' || c == '}') ++depth;
        if (c == '(' || c == '[' || c == '{') --depth;
        if (depth == 0) return at;
    }
    return npos;
}

std::size_t matching_close(std::string_view code, std::size_t open) {
    int depth = 0;
    for (std::size_t at = open; at < code.size(); ++at) {
        const char c = code[at];
        if (c == '(' || c == '[' || c == '{') ++depth;
        if (c == ')' || c == ']' || c == '}') --depth;
        if (depth == 0) return at;
    }
    return npos;
}

// T{…}, f({…}), = {…}, return {…}: a value. Anything else opens a block.
bool opens_value(std::string_view code, std::size_t brace) {
    if (brace == 0) return false;
    const char touching = code[brace - 1];
    if (is_name_char(touching) || touching == '>' || touching == '(') return true;
    const auto before = last_visible_before(code, brace);
    if (before == npos) return false;
    if (code[before] == '=' || code[before] == ',' || code[before] == '(') return true;
    return code.substr(0, before + 1).ends_with("return");
}

// Back from `at` to where its statement begins: after a ';', a block's brace, or the text's start.
std::size_t statement_begin(std::string_view code, std::size_t at) {
    while (at > 0) {
        const char c = code[at - 1];
        if (c == ';') {
            // The two inside for (…;…;…) have an open parenthesis before any block.
            return at;
        }
        if (c == ')' || c == ']') {
            const auto open = matching_open(code, at - 1);
            if (open == npos) return 0;
            at = open;
            continue;
        }
        if (c == '}') {
            const auto open = matching_open(code, at - 1);
            if (open == npos || !opens_value(code, open)) return at;
            at = open;
            continue;
        }
        if (c == '{' && !opens_value(code, at - 1)) return at;
        --at;
    }
    return 0;
}

// Forward from a statement's begin: its ';', or the brace of the block that it heads.
std::size_t statement_end(std::string_view code, std::size_t begin, std::size_t await) {
    int depth = 0;
    for (std::size_t at = begin; at < code.size(); ++at) {
        const char c = code[at];
        if (c == '(' || c == '[') ++depth;
        if (c == ')' || c == ']') --depth;
        if (c == ';' && depth <= 0 && at > await) return at;
        if (c == '{' && depth <= 0 && at > await && !opens_value(code, at)) return at;
        if (c == '{') {
            const auto close = matching_close(code, at);
            if (close == npos) return code.size();
            // A block before the await belongs to the statement only as a lambda's body.
            at = close;
        }
    }
    return code.size();
}

struct Lambda {
    std::size_t at = 0;     // of its '['
    std::string captures;
    std::size_t after = 0;  // behind its ']'
};

std::vector<Lambda> lambdas(std::string_view code) {
    std::vector<Lambda> found;
    for (auto at = code.find('['); at != npos; at = code.find('[', at + 1)) {
        const auto before = last_visible_before(code, at);
        // a[i], f()[i], "x"[i] and x[i][j] are subscripts; words before a lambda are keywords.
        if (before != npos && (is_name_char(code[before]) || code[before] == ')' ||
                               code[before] == ']' || code[before] == '"')) {
            const std::string_view head = code.substr(0, before + 1);
            const bool keyword = head.ends_with("return") || head.ends_with("co_await") ||
                                 head.ends_with("auto") || head.ends_with("else");
            // "auto [a, b]" is a structured binding.
            if (!keyword || head.ends_with("auto")) continue;
        }
        const auto close = matching_close(code, at);
        if (close == npos) break;
        const auto next = first_visible_from(code, close + 1);
        const bool attribute = code.substr(at).starts_with("[[");
        if (attribute || next == npos || (code[next] != '(' && code[next] != '{')) continue;
        found.push_back({at, std::string(code.substr(at + 1, close - at - 1)), close + 1});
    }
    return found;
}

// "", "&", "&a, &b": nothing in the closure that has a destructor to run twice.
bool captures_values(std::string_view captures) {
    std::size_t begin = 0;
    while (begin < captures.size()) {
        auto end = begin;
        int depth = 0;
        for (; end < captures.size() && (captures[end] != ',' || depth > 0); ++end) {
            if (captures[end] == '(' || captures[end] == '{') ++depth;
            if (captures[end] == ')' || captures[end] == '}') --depth;
        }
        const auto first = captures.find_first_not_of(" \n\t", begin);
        if (first < end && captures[first] != '&') return true;
        begin = end + 1;
    }
    return false;
}

std::optional<std::size_t> braced_aggregate(std::string_view code, std::size_t begin,
                                            std::size_t end) {
    for (auto at = code.find('{', begin); at < end; at = code.find('{', at + 1)) {
        const auto next = first_visible_from(code, at + 1);
        if (next == npos || code[next] != '.' || next + 1 >= code.size()) continue;
        if (is_name_char(code[next + 1]) && std::isdigit(static_cast<unsigned char>(
                                                code[next + 1])) == 0) {
            return at;
        }
    }
    return std::nullopt;
}

}  // namespace

std::vector<Finding> check_coroutine_traps(const File& file) {
    std::vector<Finding> found;
    if (!is_cpp(file.path)) return found;
    const std::string code = code_only(file.text);
    const auto all_lambdas = lambdas(code);
    for (const auto await : words(code, "co_await")) {
        const auto begin = statement_begin(code, await);
        const auto end = statement_end(code, begin, await);
        for (const Lambda& lambda : all_lambdas) {
            if (lambda.at < begin || lambda.at >= end || !captures_values(lambda.captures)) continue;
            found.push_back({"trap", file.path, line_at(code, lambda.at),
                             "a capturing lambda in one statement with co_await; name it first"});
        }
        if (const auto at = braced_aggregate(code, begin, end)) {
            found.push_back({"trap", file.path, line_at(code, *at),
                             "{.member = …} in one statement with co_await; name it first"});
        }
    }
    return found;
}

std::vector<Finding> check_lambda_coroutines(const File& file) {
    std::vector<Finding> found;
    if (!is_cpp(file.path) || file.path.starts_with("tests/")) return found;
    const std::string code = code_only(file.text);
    for (const Lambda& lambda : lambdas(code)) {
        if (lambda.captures.find_first_not_of(" \n\t") == std::string::npos) continue;
        auto at = first_visible_from(code, lambda.after);
        if (code[at] == '(') at = matching_close(code, at);
        if (at == npos) continue;
        const auto body = code.find('{', at);
        if (body == npos) continue;
        if (words(code.substr(at, body - at), "awaitable").empty()) continue;
        found.push_back({"lambda_coroutine", file.path, line_at(code, lambda.at),
                         "a capturing lambda that is a coroutine; write a named one"});
    }
    return found;
}

}  // namespace reeld::lint
