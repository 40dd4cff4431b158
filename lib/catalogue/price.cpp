#include "catalogue/price.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <boost/json/serialize.hpp>

#include <charconv>

namespace reeld::catalogue {
namespace {

// More of anything cannot be meant, and a product of it fits.
constexpr double quantity_max = 1e9;

std::string plain(const json::value& value) {
    return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

bool agrees(const Model& model, const json::object& input, const PriceRule& rule) {
    return std::all_of(rule.when.begin(), rule.when.end(), [&](const auto& wanted) {
        const auto* value = value_or_default(model, input, wanted.key());
        return value != nullptr && plain(*value) == plain(wanted.value());
    });
}

std::optional<double> number_of(const json::value& value) {
    std::optional<double> number;
    if (value.is_number()) number = value.to_number<double>();
    if (const auto* text = value.if_string()) {
        double read = 0;
        const auto end = std::from_chars(text->data(), text->data() + text->size(), read);
        if (end.ec == std::errc{}) number = read;
    }
    if (!number || !(*number >= 0) || *number > quantity_max) return std::nullopt;
    return number;
}

double characters(std::string_view text) {
    return static_cast<double>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

struct Quantity {
    double units = 1;
    std::string words;  // "6 s", "42 characters"
};

std::optional<Quantity> quantity(const Model& model, const json::object& input,
                                 const PricePart& part) {
    if (part.unit == PriceUnit::request) return Quantity{1, "1 request"};
    const auto* value = value_or_default(model, input, part.of);
    if (value == nullptr) return std::nullopt;
    if (part.unit == PriceUnit::thousand_characters) {
        if (!value->is_string()) return std::nullopt;
        const double count = characters(value->get_string());
        return Quantity{count / 1000, fmt::format("{} characters", count)};
    }
    const auto number = number_of(*value);
    if (!number) return std::nullopt;
    const bool second = part.unit == PriceUnit::second;
    return Quantity{*number, fmt::format("{}{}", *number, second     ? " s"
                                                          : *number == 1 ? " image"
                                                                         : " images")};
}

std::string rate(const PricePart& part) {
    const std::string price = dollars(part.micro_usd);
    switch (part.unit) {
        case PriceUnit::request: return price + " a job";
        case PriceUnit::second: return price + " a second";
        case PriceUnit::image: return price + " an image";
        case PriceUnit::thousand_characters: return price + " for 1000 characters";
    }
    return price;
}

std::string condition(const PriceRule& rule) {
    std::string text;
    for (const auto& wanted : rule.when) {
        text += fmt::format("{}{} {}", text.empty() ? " with " : " and ",
                            std::string_view(wanted.key()), plain(wanted.value()));
    }
    return text;
}

std::string unsure(const Model& model) {
    return model.price.note.empty() ? "an estimate: no document of the provider names it"
                                    : "an estimate: " + model.price.note;
}

}  // namespace

Estimate estimate(const Model& model, const json::object& input) {
    Estimate result;
    const auto rule =
        std::find_if(model.price.rules.begin(), model.price.rules.end(),
                     [&](const PriceRule& one) { return agrees(model, input, one); });
    if (rule == model.price.rules.end()) {
        result.basis = model.price.note.empty() ? "no price is known" : model.price.note;
        return result;
    }
    double total = 0;
    for (const PricePart& part : rule->parts) {
        const auto count = quantity(model, input, part);
        if (!count) {
            result.basis = fmt::format("{}, but {} is not given", rate(part), part.of);
            return result;
        }
        total += static_cast<double>(part.micro_usd) * count->units;
        result.basis += result.basis.empty() ? "" : " + ";
        result.basis += part.unit == PriceUnit::request
                            ? rate(part)
                            : fmt::format("{} × {}", rate(part), count->words);
    }
    result.basis += condition(*rule);
    // A fraction of a micro-dollar counts as one; a hair above a whole one is a double's doing.
    result.micro_usd = static_cast<std::int64_t>(std::ceil(total - 1e-6));
    result.sure = rule->sure;
    result.basis += result.sure ? "" : "; " + unsure(model);
    return result;
}

std::string price_text(const Model& model) {
    std::string text;
    // The rule without a condition is the usual one.
    std::vector<const PriceRule*> rules;
    for (const auto& rule : model.price.rules) rules.push_back(&rule);
    std::stable_sort(rules.begin(), rules.end(), [](const auto* a, const auto* b) {
        return a->when.empty() && !b->when.empty();
    });
    for (const auto* rule : rules) {
        if (!text.empty()) text += "; ";
        if (!rule->sure) text += "~";
        for (std::size_t i = 0; i < rule->parts.size(); ++i) {
            text += (i > 0 ? " + " : "") + rate(rule->parts[i]);
        }
        text += condition(*rule);
    }
    return text.empty() ? "not known" : text;
}

}  // namespace reeld::catalogue
