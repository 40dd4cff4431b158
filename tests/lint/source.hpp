#pragma once
// A source text as the checks see it.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace reeld::lint {

struct File {
    std::string path;  // from the repository's root, with slashes
    std::string text;
};

struct Finding {
    std::string rule;
    std::string path;
    std::size_t line = 0;
    std::string what;
};

struct Literal {
    std::size_t line = 0;
    std::string text;  // between the quotes, as written
};

struct Include {
    std::size_t line = 0;
    std::string target;
    bool own = false;  // in quotes
};

// C++ with comments, the insides of literals and #include lines blanked: same length, same lines.
std::string code_only(std::string_view text);
std::vector<Literal> string_literals(std::string_view text);
std::vector<Include> includes(std::string_view text);

std::size_t line_at(std::string_view text, std::size_t position);
bool is_cpp(std::string_view path);
bool is_name_char(char c);

// Where `word` stands in `text` with no letter, digit or underscore around it.
std::vector<std::size_t> words(std::string_view text, std::string_view word);

// Every text file of the repository, in the order of their paths, without build and version data.
std::vector<File> read_tree(const std::string& root);

}  // namespace reeld::lint
