#include "reel/render_models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cctype>

#include "reel/render_job.hpp"
#include "reel/render_money.hpp"

namespace reeld::reel {
namespace {

std::string json_word(const json::value& value) {
    if (value.is_null()) return {};
    return clean(value.is_string() ? std::string(value.get_string()) : json::serialize(value));
}

std::string price_of(const json::object& model) {
    const auto* price = find_object(model, "price");
    return price == nullptr ? std::string() : member(*price, "text");
}

std::string time_of(const json::object& model) {
    const auto seconds = find_int(model, "typical_seconds");
    return seconds ? "~" + span(Millis{*seconds * 1000}) : std::string();
}

std::string heading(const json::object& model) {
    std::string text = fmt::format("{}: gives {}", member(model, "title"), member(model, "output"));
    const std::string time = time_of(model);
    if (!time.empty()) text += fmt::format(", runs for {}", time);
    const std::string provider = member(model, "provider");
    text += provider.empty() ? ". No provider is configured for it.\n"
                             : fmt::format(". Provider: {}.\n", provider);
    const std::string source = member(model, "source");
    if (!source.empty()) text += fmt::format("from {}\n", source);
    text += "price: " + price_of(model);
    const auto* price = find_object(model, "price");
    const std::string note = price == nullptr ? std::string() : member(*price, "note");
    return text + (note.empty() ? "\n" : fmt::format(" ({})\n", note));
}

// "a text of at most 20 characters: What is said"
std::string takes(const json::object& field) {
    const std::string description = member(field, "description");
    return member(field, "takes") + (description.empty() ? "" : ": " + description);
}

std::string fields_of(const json::object& model, const Look& look) {
    const auto* fields = find_array(model, "fields");
    if (fields == nullptr) return {};
    Table table;
    table.head = {"MEMBER", "DEFAULT", "TAKES"};
    table.flexible = 2;
    std::string text;
    for (const auto& one : *fields) {
        const auto* field = one.if_object();
        if (field == nullptr) continue;
        const bool required = find_bool(*field, "required").value_or(false);
        const auto* value = find(*field, "default");
        const std::string given = value == nullptr ? std::string() : json_word(*value);
        const std::string name = member(*field, "name");
        if (!look.terminal) {
            text += tabbed({name, required ? "required" : "optional", given, takes(*field)});
            continue;
        }
        table.rows.push_back(
            {Cell{name + (required ? " *" : "")}, Cell{given}, Cell{takes(*field)}});
    }
    if (!look.terminal) return text;
    // Limits must not be cut off: a line that is too long wraps.
    Look wide = look;
    wide.width = 1000;
    return draw(table, wide) + "* has to be given. Defaults are the provider's; reeld does not send "
                               "them.\n";
}

std::string command_of(const json::object& model) {
    std::string text = "reel submit " + shell_word(member(model, "id"));
    const auto* example = find_object(model, "example");
    if (example == nullptr) return text;
    for (const auto& one : *example) {
        const bool plain = one.value().is_string() || one.value().is_number() ||
                           one.value().is_bool();
        const std::string value = one.value().is_string() ? std::string(one.value().get_string())
                                                          : json::serialize(one.value());
        text += fmt::format(" {}{}{}", shell_word(std::string_view(one.key())), plain ? "=" : ":=",
                            shell_word(value));
    }
    return text;
}

void line(std::string& text, std::string_view name, std::string_view value, const Look& look) {
    if (value.empty()) return;
    text += look.terminal ? fmt::format("{}  {}\n", paint(pad(name, 9), Colour::dim, look), value)
                          : tabbed({std::string(name), std::string(value)});
}

void members_of(std::string& text, const json::object& answer, const char* key,
                std::string_view name, const Look& look) {
    const auto* members = find_object(answer, key);
    if (members == nullptr) return;
    for (const auto& one : *members) {
        line(text, name,
             fmt::format("{} = {}", clean(std::string_view(one.key())),
                         clean(json::serialize(one.value()))),
             look);
    }
}

std::string cost_of(const json::object& answer) {
    const auto* estimate = find_object(answer, "estimate");
    if (estimate == nullptr) return {};
    const auto usd = find_number(*estimate, "usd");
    const std::string basis = member(*estimate, "basis");
    if (!usd) return "not known: " + basis;
    const bool sure = find_bool(*estimate, "sure").value_or(false);
    return fmt::format("{}{} ({})", sure ? "" : "~", usd_text(*usd), basis);
}

}  // namespace

std::string shell_word(std::string_view text) {
    constexpr std::string_view safe = "@%+=:,./-_";
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || safe.find(c) != safe.npos;
    });
    if (plain) return std::string(text);
    std::string word = "'";
    for (const char c : text) {
        // Whatever a file says, it does not steer the terminal; a line end inside quotes is plain.
        const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
        if (control && c != '\n') continue;
        if (c == '\'') {
            word += "'\\''";
        } else {
            word.push_back(c);
        }
    }
    return word + "'";
}

std::string render_models(const json::array& models, const Look& look) {
    Table table;
    table.head = {"MODEL", "GIVES", "TIME", "PRICE"};
    table.flexible = 3;
    std::string text;
    for (const auto& one : models) {
        const auto* model = one.if_object();
        if (model == nullptr) continue;
        const std::string id = member(*model, "id");
        if (!look.terminal) {
            const auto seconds = find_int(*model, "typical_seconds");
            text += tabbed({id, member(*model, "output"), price_of(*model),
                            seconds ? fmt::format("{}", *seconds) : std::string(),
                            member(*model, "provider"), member(*model, "title")});
            continue;
        }
        const bool served = !member(*model, "provider").empty();
        table.rows.push_back({Cell{id, served ? Colour::none : Colour::dim},
                              Cell{member(*model, "output")}, Cell{time_of(*model)},
                              Cell{price_of(*model)}});
    }
    return look.terminal ? draw(table, look) : text;
}

std::string render_model(const json::object& model, const Look& look) {
    std::string text = member(model, "id") + "\n" + heading(model) + "\n" +
                       fields_of(model, look) + "\nexample:\n  " + command_of(model) + "\n";
    const auto* advice = find_array(model, "advice");
    if (advice == nullptr || advice->empty()) return text;
    text += "\nadvice:\n";
    for (const auto& one : *advice) {
        if (one.is_string()) text += "  " + clean(std::string_view(one.get_string())) + "\n";
    }
    return text;
}

namespace {

// "image_url: shot.png, image/png, 1280x720, 81234 bytes, is uploaded"
std::string local_file(const json::object& file) {
    const std::string path = member(file, "path");
    std::string text = fmt::format("{}: {}, {}", member(file, "field"),
                                   clean(path.substr(path.rfind('/') + 1)),
                                   member(file, "content_type"));
    const auto width = find_int(file, "width");
    const auto height = find_int(file, "height");
    if (width && height) text += fmt::format(", {}x{}", *width, *height);
    text += fmt::format(", {} bytes", find_int(file, "bytes").value_or(0));
    const std::string how = member(file, "how");
    if (how == "uploaded") return text + ": would be uploaded";
    return text + (how == "reused" ? ": is uploaded already" : ": goes into the input itself");
}

}  // namespace

std::string render_dry_run(const json::object& answer, const Look& look) {
    std::string text;
    line(text, "model", member(answer, "model"), look);
    line(text, "provider", member(answer, "provider"), look);
    line(text, "id", member(answer, "id"), look);
    if (find_bool(answer, "exists").value_or(false)) {
        line(text, "exists", "the id is a job already: the same content would make nothing new",
             look);
    }
    const bool checked = find_bool(answer, "checked").value_or(false);
    line(text, "check", checked ? "the input is right" : "the input was not checked", look);
    members_of(text, answer, "input", "sends", look);
    members_of(text, answer, "defaults", "default", look);
    if (const auto* files = find_array(answer, "files")) {
        for (const auto& one : *files) {
            if (one.is_object()) line(text, "local", local_file(one.get_object()), look);
        }
    }
    line(text, "cost", cost_of(answer), look);
    line(text, "file", member(answer, "path"), look);
    if (const auto* warnings = find_array(answer, "warnings")) {
        for (const auto& one : *warnings) {
            if (one.is_string()) {
                line(text, "advice", clean(std::string_view(one.get_string())), look);
            }
        }
    }
    return text;
}

}  // namespace reeld::reel
