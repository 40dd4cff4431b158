#include "catalogue/craft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "base/encoding.hpp"

namespace reeld::catalogue {
namespace {

constexpr std::size_t words_least = 10;
constexpr std::size_t words_most = 20;

// Verbs of motion by their stems; a word that is one of these, or grows from one, moves.
constexpr std::array<std::string_view, 76> motion{
    "run",    "ran",    "walk",   "jump",   "leap",   "fly",    "flies",  "flew",   "fall",
    "fell",   "drift",  "float",  "swim",   "swam",   "danc",   "spin",   "spun",   "turn",
    "twirl",  "roll",   "slid",   "glid",   "ride",   "riding", "rode",   "drive",  "driving",
    "drove",  "climb",  "crawl",  "rise",   "rising", "rose",   "flow",   "pour",   "splash",
    "wav",    "sway",   "swing",  "swung",  "shak",   "trembl", "flicker", "burn",  "explod",
    "crash",  "break",  "chas",   "follow", "approach", "pass", "cross",  "enter",  "leav",
    "open",   "clos",   "lift",   "throw",  "threw",  "catch",  "push",   "pull",   "pan",
    "zoom",   "tilt",   "orbit",  "circl",  "sweep",  "rotat",  "mov",    "blow",   "blew",
    "rush",   "race",   "racing", "march"};
constexpr std::array<std::string_view, 24> small_words{
    "the", "and", "with", "from", "into", "onto", "over", "under", "her",  "his",  "its",  "their",
    "she", "they", "that", "this", "then", "while", "through", "across", "for", "are", "as", "very"};

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : text) {
        if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '\'' ||
            static_cast<unsigned char>(c) >= 0x80) {
            word.push_back(c);
        } else if (!word.empty()) {
            words.push_back(to_lower(word));
            word.clear();
        }
    }
    if (!word.empty()) words.push_back(to_lower(word));
    return words;
}

bool is_latin(std::string_view text) {
    const auto foreign = std::count_if(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x80;
    });
    return static_cast<std::size_t>(foreign) * 4 < text.size();
}

bool moves(const std::string& word) {
    return std::any_of(motion.begin(), motion.end(), [&](std::string_view stem) {
        // "runner" runs, "passenger" does not pass.
        return word.starts_with(stem) && word.size() <= stem.size() + 4;
    });
}

std::string repeated(const std::vector<std::string>& words) {
    std::map<std::string, int> counts;
    std::string text;
    for (const auto& word : words) {
        const bool small = word.size() < 3 || std::find(small_words.begin(), small_words.end(),
                                                        word) != small_words.end();
        if (small || ++counts[word] != 2) continue;
        text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", word);
    }
    return text;
}

void advise_on_optimizer(const Model& model, const json::object& input, bool is_short,
                         bool is_general, std::vector<std::string>& advice) {
    const auto* value = value_or_default(model, input, "prompt_optimizer");
    if (value == nullptr || *value == json::value(true)) return;
    if (is_short) {
        advice.emplace_back("prompt_optimizer is off and the prompt is short: switched on, it fills "
                            "in what is not said");
    } else if (is_general) {
        advice.emplace_back("prompt_optimizer is off and the prompt is general: switched on, it "
                            "makes the scene definite");
    }
}

}  // namespace

std::vector<std::string> prompt_advice(const Model& model, const json::object& input) {
    std::vector<std::string> advice;
    const auto prompt = find_string(input, "prompt");
    if (model.output != OutputKind::video || !prompt || !is_latin(*prompt)) return advice;
    const auto words = words_of(*prompt);
    const bool is_short = words.size() < words_least;
    if (is_short || words.size() > words_most) {
        advice.push_back(fmt::format("the prompt has {} {}; 10 to 20 do best", words.size(),
                                     words.size() == 1 ? "word" : "words"));
    }
    const bool still = std::none_of(words.begin(), words.end(), &moves);
    if (still) {
        advice.emplace_back("no verb of motion in the prompt: say what moves and how, as in \"a fox "
                            "runs across the snow\"");
    }
    const std::string twice = repeated(words);
    if (!twice.empty()) advice.push_back("said more than once in the prompt: " + twice);
    advise_on_optimizer(model, input, is_short, still, advice);
    return advice;
}

}  // namespace reeld::catalogue
