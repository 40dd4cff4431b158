#include "catalogue/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/encoding.hpp"
#include "catalogue/input_check.hpp"
#include "catalogue/model_file.hpp"
#include "catalogue_models.hpp"
#include "domain/suggest.hpp"

namespace reeld::catalogue {

struct Loader {
    static void put(Catalogue& catalogue, Model model) {
        std::string id = model.id;
        catalogue.models_.insert_or_assign(std::move(id), std::move(model));
    }
    static void tell(Catalogue& catalogue, std::string mistake) {
        catalogue.mistakes_.push_back(std::move(mistake));
    }
};

namespace {

// Reading them takes a while and they never change.
const Catalogue& embedded() {
    static const Catalogue catalogue = [] {
        Catalogue made;
        for (const EmbeddedModel& file : embedded_models) {
            auto model = read_model_file(file.text, {});
            if (!model) {
                throw std::logic_error(fmt::format("the embedded model {}: {}", file.name,
                                                   model.error().context()));
            }
            Loader::put(made, std::move(*model));
        }
        return made;
    }();
    return catalogue;
}

std::string in_quotes(const std::vector<std::string>& names) {
    std::vector<std::string> quoted;
    for (const auto& name : names) quoted.push_back(domain::quoted(name));
    const std::vector<std::string_view> views(quoted.begin(), quoted.end());
    return domain::listed(views);
}

}  // namespace

const Model* Catalogue::find(std::string_view id) const {
    const auto at = models_.find(id);
    return at == models_.end() ? nullptr : &at->second;
}

std::vector<std::string> Catalogue::nearest(std::string_view id) const {
    constexpr std::size_t told_max = 3;
    constexpr std::size_t id_bytes_max = 200;
    std::vector<std::pair<std::size_t, std::string>> found;
    if (id.empty() || id.size() > id_bytes_max) return {};
    const std::string wrong = to_lower(id);
    const std::string last = wrong.substr(wrong.find('/') + 1);
    for (const auto& [name, model] : models_) {
        // Half an id is the beginning or the heart of the whole one.
        const bool part = last.size() > 3 && name.find(last) != std::string::npos;
        const std::size_t distance = part ? 1 : domain::edit_distance(wrong, to_lower(name));
        if (distance <= std::max<std::size_t>(3, id.size() / 3)) found.emplace_back(distance, name);
    }
    std::sort(found.begin(), found.end());
    std::vector<std::string> names;
    for (auto& [distance, name] : found) {
        if (names.size() < told_max) names.push_back(std::move(name));
    }
    return names;
}

std::shared_ptr<const Catalogue> load(const std::vector<SourceFile>& added,
                                      std::vector<std::string> unreadable) {
    auto catalogue = std::make_shared<Catalogue>(embedded());
    for (std::string& mistake : unreadable) Loader::tell(*catalogue, std::move(mistake));
    std::map<std::string, std::string> named_by;
    for (const SourceFile& file : added) {
        auto model = read_model_file(file.text, file.name);
        if (!model) {
            Loader::tell(*catalogue, fmt::format("{}: {}", file.name, model.error().context()));
            continue;
        }
        const auto [at, fresh] = named_by.emplace(model->id, file.name);
        if (!fresh) {
            Loader::tell(*catalogue,
                         fmt::format("{}: describes {}, as {} does already; it is left out",
                                     file.name, model->id, at->second));
            continue;
        }
        Loader::put(*catalogue, std::move(*model));
    }
    return catalogue;
}

std::vector<domain::FieldError> check(const Catalogue& catalogue, std::string_view model,
                                      const json::object& input, bool unchecked) {
    if (unchecked) return {};
    if (const Model* known = catalogue.find(model)) return known->check->mistakes(input);
    const auto near = catalogue.nearest(model);
    return {{"model",
             fmt::format("{} is not in the catalogue; {}. With \"unchecked\": true (reel submit "
                         "--unchecked) it is submitted as it is",
                         domain::quoted(model),
                         near.empty() ? "`reel models` lists what is"
                                      : (near.size() == 1 ? "the nearest is " : "the nearest are ") +
                                            in_quotes(near))}};
}

}  // namespace reeld::catalogue
