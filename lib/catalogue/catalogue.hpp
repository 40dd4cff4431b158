#pragma once
// All models that are known: those that came with the program, and what a user's files add to them
// or put in their place.
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/model.hpp"
#include "domain/intake.hpp"

namespace reeld::catalogue {

struct SourceFile {
    std::string name;
    std::string text;
};

class Catalogue {
  public:
    const Model* find(std::string_view id) const;
    const std::map<std::string, Model, std::less<>>& models() const { return models_; }
    // Ids that look like what was meant, best first; at most three.
    std::vector<std::string> nearest(std::string_view id) const;
    // Of the files that were added: "name: what is wrong". Such a file is left out.
    const std::vector<std::string>& mistakes() const { return mistakes_; }

  private:
    friend struct Loader;
    std::map<std::string, Model, std::less<>> models_;
    std::vector<std::string> mistakes_;
};

// The embedded models and, over them, `added` in its order; `unreadable` joins the mistakes. Never
// null.
std::shared_ptr<const Catalogue> load(const std::vector<SourceFile>& added = {},
                                      std::vector<std::string> unreadable = {});

// Everything that keeps a job from being submitted: an unknown model (field "model"), or what is
// wrong with its input. A job that is `unchecked` has no mistakes. Fields are as InputCheck says.
std::vector<domain::FieldError> check(const Catalogue& catalogue, std::string_view model,
                                      const json::object& input, bool unchecked);

}  // namespace reeld::catalogue
