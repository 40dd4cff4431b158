#include "catalogue/input_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <set>

#include "base/encoding.hpp"
#include "catalogue/camera.hpp"
#include "catalogue/compiled_schema.hpp"
#include "catalogue/file_rule.hpp"
#include "catalogue/wanted.hpp"
#include "domain/suggest.hpp"

namespace reeld::catalogue {
namespace {

using domain::FieldError;

// std::regex recurses for every character: longer texts are not compared with a pattern.
constexpr std::size_t pattern_bytes_max = 1'000;
constexpr std::size_t mistakes_max = 50;

bool is_structure(std::string_view key) {
    return key == "properties" || key == "required" || key == "items" ||
           key == "additionalProperties" || key == "default" || key == "description" ||
           key == "title" || key == "examples" || key == "format" || key == "pattern" ||
           key.starts_with("x-");
}

// What the library checks of one value; its members have checks of their own, so that every mistake
// is told with its place.
json::object shallow(const json::object& schema) {
    json::object part;
    for (const auto& member : schema) {
        const std::string_view key = member.key();
        if (!is_structure(key)) part[key] = member.value();
    }
    return part;
}

bool is_url(const json::object& schema) { return find_string(schema, "format") == "uri"; }

Status check_file_words(const json::object& schema) {
    for (const char* key : {"x-file", "x-file-advice"}) {
        const auto* given = find(schema, key);
        if (given == nullptr) continue;
        if (!given->is_object() || !is_url(schema)) {
            return Error(ErrorCode::invalid,
                         fmt::format("{} has to be an object such as {{\"types\": [\"image/png\"]}}, "
                                     "in a member whose format is \"uri\"",
                                     key));
        }
        const auto rule = read_file_rule(given->get_object());
        if (!rule) return rule.error();
    }
    const auto* flag = find(schema, "x-data-uri");
    if (flag != nullptr && !flag->is_bool()) {
        return Error(ErrorCode::invalid, "x-data-uri has to be true or false");
    }
    return ok();
}

}  // namespace

struct InputCheck::Node {
    json::object schema;
    CompiledSchema own;
    std::optional<std::regex> pattern;
    bool nullable = false;
    bool open = false;       // takes members that it does not name
    bool has_members = false;
    std::vector<std::string> required;
    std::map<std::string, Node, std::less<>> members;
    std::unique_ptr<Node> element;

    Node(json::object description, CompiledSchema compiled)
        : schema(std::move(description)), own(std::move(compiled)) {}

    static Result<Node> make(const json::object& schema);
    Status add_members();
};

struct InputCheck::Rule {
    std::optional<CompiledSchema> forbidden;
    std::vector<std::string> together;
    std::int64_t at_most = 0;
    std::string field;
    std::string message;
};

Result<InputCheck::Node> InputCheck::Node::make(const json::object& schema) {
    auto compiled = CompiledSchema::compile(shallow(schema));
    if (!compiled) return compiled.error();
    if (const Status words = check_file_words(schema); !words) return words.error();
    Node node(schema, std::move(*compiled));
    node.nullable = find_bool(schema, "x-nullable").value_or(false);
    if (const auto pattern = find_string(schema, "pattern")) {
        try {
            node.pattern.emplace(*pattern, std::regex::ECMAScript);
        } catch (const std::regex_error&) {
            return Error(ErrorCode::invalid, fmt::format("{} is no pattern that can be checked",
                                                         domain::quoted(*pattern)));
        }
    }
    if (const auto* items = find_object(schema, "items")) {
        auto element = make(*items);
        if (!element) return element.error();
        node.element = std::make_unique<Node>(std::move(*element));
    }
    const Status added = node.add_members();
    if (!added) return added.error();
    return node;
}

Status InputCheck::Node::add_members() {
    const auto* properties = find_object(schema, "properties");
    const auto* others = find(schema, "additionalProperties");
    has_members = properties != nullptr;
    open = (others != nullptr && *others != json::value(false)) ||
           find_object(schema, "patternProperties") != nullptr;
    if (const auto* names = find_array(schema, "required")) {
        for (const auto& name : *names) {
            if (name.is_string()) required.emplace_back(name.get_string());
        }
    }
    if (properties == nullptr) return ok();
    for (const auto& member : *properties) {
        const auto* described = member.value().if_object();
        if (described == nullptr) continue;
        auto node = make(*described);
        if (!node) {
            return Error(ErrorCode::invalid, fmt::format("the member \"{}\" {}",
                                                         clip_utf8(member.key(), 100),
                                                         node.error().context()));
        }
        members.emplace(std::string(member.key()), std::move(*node));
    }
    return ok();
}

// One look at one input.
struct InputCheck::Walk {
    std::vector<FieldError> found;

    void tell(const Node& node, const std::string& field, std::string message) {
        if (found.size() >= mistakes_max) return;
        if (const auto hint = find_string(node.schema, "x-hint")) message += "; " + *hint;
        found.push_back(FieldError{field, std::move(message)});
    }

    void check_value(const Node& node, const json::value& given, const std::string& field) {
        if (given.is_null() && node.nullable) return;
        if (!node.own.accepts(given)) return tell(node, field, why_wrong(node.schema, given));
        if (const auto* words = given.if_string()) check_text(node, *words, field);
        if (const auto* list = given.if_array(); list != nullptr && node.element) {
            for (std::size_t i = 0; i < list->size(); ++i) {
                check_value(*node.element, (*list)[i], fmt::format("{}[{}]", field, i));
            }
        }
        if (const auto* object = given.if_object()) check_members(node, *object, field);
    }

    void check_text(const Node& node, std::string_view given, const std::string& field) {
        if (is_url(node.schema)) {
            std::string why = why_no_url(given);
            if (!why.empty()) tell(node, field, std::move(why));
        }
        if (node.pattern && given.size() <= pattern_bytes_max &&
            !std::regex_search(given.begin(), given.end(), *node.pattern)) {
            tell(node, field,
                 fmt::format("must match the pattern {}",
                             domain::quoted(find_string(node.schema, "pattern").value_or(""))));
        }
        if (const auto* camera = find_object(node.schema, "x-camera")) {
            for (std::string& why : wrong_moves(*camera, given)) tell(node, field, std::move(why));
        }
    }

    void check_members(const Node& node, const json::object& given, const std::string& field) {
        for (const std::string& name : node.required) {
            const auto* there = find(given, name);
            if (there != nullptr && !there->is_null()) continue;
            const auto at = node.members.find(name);
            found.push_back(FieldError{
                field + "." + name,
                at == node.members.end()
                    ? "is missing"
                    : fmt::format("is missing; {} is needed", wanted(at->second.schema))});
        }
        if (!node.has_members) return;
        for (const auto& member : given) {
            const std::string_view name = member.key();
            const auto at = node.members.find(name);
            const std::string path = fmt::format("{}.{}", field, clip_utf8(name, 64));
            if (at == node.members.end()) {
                if (!node.open) tell(node, path, why_unknown(node, name));
                continue;
            }
            const bool required = std::find(node.required.begin(), node.required.end(), name) !=
                                  node.required.end();
            // A required null is told as missing.
            if (!(member.value().is_null() && required)) {
                check_value(at->second, member.value(), path);
            }
        }
    }

    static std::string why_unknown(const Node& node, std::string_view name) {
        std::vector<std::string_view> names;
        if (const auto* properties = find_object(node.schema, "properties")) {
            for (const auto& member : *properties) names.push_back(member.key());
        }
        if (const auto* absent = find_object(node.schema, "x-absent")) {
            if (const auto why = find_string(*absent, name)) {
                return fmt::format("is not taken: {}; the model takes {}", *why,
                                   domain::listed(names));
            }
        }
        const auto nearest = domain::nearest_name(name, names);
        if (nearest.empty()) {
            return fmt::format("is unknown; the model takes {}", domain::listed(names));
        }
        return fmt::format("is unknown; did you mean \"{}\"? The model takes {}", nearest,
                           domain::listed(names));
    }
};

InputCheck::InputCheck() = default;
InputCheck::~InputCheck() = default;

namespace {

Result<std::vector<std::string>> texts_of(const json::array& values) {
    std::vector<std::string> texts;
    for (const auto& value : values) {
        if (!value.is_string()) {
            return Error(ErrorCode::invalid, "x-rules: \"together\" has to be a list of names");
        }
        texts.emplace_back(value.get_string());
    }
    return texts;
}

}  // namespace

Result<std::shared_ptr<const InputCheck>> InputCheck::compile(const json::object& schema) {
    auto root = Node::make(schema);
    if (!root) return root.error();
    std::shared_ptr<InputCheck> check(new InputCheck());
    check->root_ = std::make_unique<const Node>(std::move(*root));
    const auto* rules = find_array(schema, "x-rules");
    if (rules == nullptr) return std::shared_ptr<const InputCheck>(std::move(check));
    for (const auto& one : *rules) {
        const auto* source = one.if_object();
        const auto message = source ? find_string(*source, "message") : std::nullopt;
        if (!message) return Error(ErrorCode::invalid, "a rule in x-rules has no message");
        Rule rule;
        rule.message = *message;
        rule.field = find_string(*source, "field").value_or("");
        if (const auto* forbidden = find_object(*source, "not")) {
            auto compiled = CompiledSchema::compile(*forbidden);
            if (!compiled) return compiled.error();
            rule.forbidden = std::move(*compiled);
        } else if (const auto* names = find_array(*source, "together")) {
            auto together = texts_of(*names);
            if (!together) return together.error();
            rule.together = std::move(*together);
            rule.at_most = find_int(*source, "at_most").value_or(0);
        } else {
            return Error(ErrorCode::invalid, "a rule in x-rules has neither not nor together");
        }
        check->rules_.push_back(std::move(rule));
    }
    return std::shared_ptr<const InputCheck>(std::move(check));
}

std::vector<FieldError> InputCheck::mistakes(const json::object& input) const {
    Walk walk;
    const json::value whole(input);
    walk.check_value(*root_, whole, "input");
    const auto told = [&](const std::string& field) {
        return std::any_of(walk.found.begin(), walk.found.end(),
                           [&](const FieldError& error) { return error.field == field; });
    };
    std::vector<FieldError> broken;
    for (const Rule& rule : rules_) {
        bool breaks = rule.forbidden && rule.forbidden->accepts(whole);
        std::size_t count = 0;
        for (const std::string& name : rule.together) {
            if (const auto* list = find_array(input, name)) count += list->size();
        }
        if (!rule.together.empty()) breaks = count > static_cast<std::size_t>(rule.at_most);
        const std::string field = rule.field.empty() ? "input" : "input." + rule.field;
        // A member that is wrong by itself is mended first.
        if (breaks && !told(field)) broken.push_back(FieldError{field, rule.message});
    }
    walk.found.insert(walk.found.end(), broken.begin(), broken.end());
    return std::move(walk.found);
}

namespace {

void find_files(const json::object& schema, const json::value& given, const std::string& field,
                std::vector<FileMember>& files) {
    if (given.is_string() && is_url(schema)) {
        files.push_back({field, std::string(given.get_string()), &schema});
    }
    const auto* items = find_object(schema, "items");
    if (const auto* list = given.if_array(); list != nullptr && items != nullptr) {
        for (std::size_t i = 0; i < list->size(); ++i) {
            find_files(*items, (*list)[i], fmt::format("{}[{}]", field, i), files);
        }
    }
    const auto* properties = find_object(schema, "properties");
    const auto* object = given.if_object();
    if (object == nullptr || properties == nullptr) return;
    for (const auto& member : *object) {
        const std::string_view name = member.key();
        if (const auto* described = find_object(*properties, name)) {
            find_files(*described, member.value(), fmt::format("{}.{}", field, name), files);
        }
    }
}

}  // namespace

std::vector<FileMember> file_members(const json::object& schema, const json::object& input) {
    std::vector<FileMember> files;
    find_files(schema, json::value(input), "input", files);
    return files;
}

}  // namespace reeld::catalogue
