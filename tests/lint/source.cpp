#include "lint/source.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace reeld::lint {
namespace {

namespace fs = std::filesystem;

// Walks C++ text once, keeping code apart from comments and literals.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text), code_(text) {}

    void run() {
        while (at_ < text_.size()) {
            if (starts("//")) {
                blank_until(text_.find('\n', at_));
            } else if (starts("/*")) {
                const auto end = text_.find("*/", at_ + 2);
                blank_until(end == std::string_view::npos ? end : end + 2);
            } else if (starts("R\"") && (at_ == 0 || !is_name_char(text_[at_ - 1]))) {
                raw_literal();
            } else if (text_[at_] == '"') {
                literal('"');
            } else if (text_[at_] == '\'' && !digit_separator()) {
                literal('\'');
            } else {
                ++at_;
            }
        }
    }

    std::string code() && { return std::move(code_); }
    std::vector<Literal> literals() && { return std::move(literals_); }

  private:
    bool starts(std::string_view prefix) const { return text_.substr(at_).starts_with(prefix); }
    bool digit_separator() const {
        return at_ > 0 && std::isxdigit(static_cast<unsigned char>(text_[at_ - 1])) != 0;
    }
    void blank_until(std::size_t end) {
        end = std::min(end, text_.size());
        for (; at_ < end; ++at_) {
            if (code_[at_] != '\n') code_[at_] = ' ';
        }
    }
    void literal(char quote) {
        const std::size_t begin = at_ + 1;
        std::size_t end = begin;
        while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
            end += text_[end] == '\\' ? 2 : 1;
        }
        take(begin, end, quote == '"');
        at_ = std::min(end + 1, text_.size());
    }
    void raw_literal() {
        const auto open = text_.find('(', at_);
        if (open == std::string_view::npos) return blank_until(open);
        const std::string close = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
        const auto end = text_.find(close, open);
        take(open + 1, end, true);
        at_ = end == std::string_view::npos ? text_.size() : end + close.size();
    }
    void take(std::size_t begin, std::size_t end, bool is_string) {
        end = std::min(end, text_.size());
        if (is_string) {
            literals_.push_back({line_at(text_, begin), std::string(text_.substr(begin, end - begin))});
        }
        at_ = begin;
        blank_until(end);
    }

    std::string_view text_;
    std::string code_;
    std::vector<Literal> literals_;
    std::size_t at_ = 0;
};

bool is_skipped(const std::string& name) {
    return name == ".git" || name == "build" || name == "node_modules" || name == ".cache";
}

}  // namespace

bool is_name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool is_cpp(std::string_view path) { return path.ends_with(".cpp") || path.ends_with(".hpp"); }

std::size_t line_at(std::string_view text, std::size_t position) {
    const auto head = text.substr(0, position);
    return 1 + static_cast<std::size_t>(std::count(head.begin(), head.end(), '\n'));
}

std::string code_only(std::string_view text) {
    std::string without_includes(text);
    for (const Include& include : includes(text)) {
        // The name in an #include is checked as an arrow, not as code.
        std::size_t begin = 0;
        for (std::size_t line = 1; line < include.line; ++line) {
            begin = without_includes.find('\n', begin) + 1;
        }
        const auto end = std::min(without_includes.find('\n', begin), without_includes.size());
        std::fill(without_includes.begin() + static_cast<std::ptrdiff_t>(begin),
                  without_includes.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    }
    Scanner scanner(without_includes);
    scanner.run();
    return std::move(scanner).code();
}

std::vector<Literal> string_literals(std::string_view text) {
    Scanner scanner(text);
    scanner.run();
    return std::move(scanner).literals();
}

std::vector<Include> includes(std::string_view text) {
    std::vector<Include> found;
    std::size_t line = 1;
    for (std::size_t begin = 0; begin < text.size(); ++line) {
        const auto end = std::min(text.find('\n', begin), text.size());
        const std::string_view whole = text.substr(begin, end - begin);
        begin = end + 1;
        if (!whole.starts_with("#include ")) continue;
        const auto open = whole.find_first_of("<\"");
        if (open == std::string_view::npos) continue;
        const auto close = whole.find_first_of(">\"", open + 1);
        if (close == std::string_view::npos) continue;
        found.push_back(
            {line, std::string(whole.substr(open + 1, close - open - 1)), whole[open] == '"'});
    }
    return found;
}

std::vector<std::size_t> words(std::string_view text, std::string_view word) {
    std::vector<std::size_t> found;
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
        const bool begins = at == 0 || !is_name_char(text[at - 1]) || !is_name_char(word.front());
        const auto after = at + word.size();
        const bool ends =
            after >= text.size() || !is_name_char(text[after]) || !is_name_char(word.back());
        if (begins && ends) found.push_back(at);
    }
    return found;
}

std::vector<File> read_tree(const std::string& root) {
    std::vector<File> files;
    auto walk = fs::recursive_directory_iterator(root);
    for (const auto& entry : walk) {
        if (entry.is_directory() && is_skipped(entry.path().filename().string())) {
            walk.disable_recursion_pending();
        }
        if (!entry.is_regular_file()) continue;
        std::ifstream in(entry.path(), std::ios::binary);
        files.push_back({fs::relative(entry.path(), root).generic_string(),
                         {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()}});
    }
    std::sort(files.begin(), files.end(),
              [](const File& a, const File& b) { return a.path < b.path; });
    return files;
}

}  // namespace reeld::lint
