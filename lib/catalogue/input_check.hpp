#pragma once
// Compares an input with a model's schema and tells every mistake at once, each with what would be
// right.
//
// Beside JSON Schema a schema may say:
//   x-nullable   null counts as not given
//   x-hint       a sentence behind every mistake with this member
//   x-absent     {name: sentence} for members that people expect here and that are not taken
//   x-camera     {"moves": […], "together_max": n}: what may stand in brackets
//   x-file       what a member whose format is "uri" takes for a file, see file_rule.hpp
//   x-file-advice  the same, told in a dry run only
//   x-data-uri   true: a small file may stand in the input itself
//   x-rules      [{"not": schema, "field": name, "message": sentence}], or instead of "not"
//                {"together": [names of lists], "at_most": n}
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "domain/intake.hpp"

namespace reeld::catalogue {

class InputCheck {
  public:
    // `schema` is in plain form and describes an object. Errors: invalid.
    static Result<std::shared_ptr<const InputCheck>> compile(const json::object& schema);
    ~InputCheck();
    InputCheck(const InputCheck&) = delete;
    InputCheck& operator=(const InputCheck&) = delete;

    // Fields are named as paths: "input.duration", "input.reference_image_urls[2]".
    std::vector<domain::FieldError> mistakes(const json::object& input) const;

  private:
    struct Node;
    struct Rule;
    struct Walk;
    InputCheck();
    std::unique_ptr<const Node> root_;
    std::vector<Rule> rules_;
};

// Where an input names a file: members whose schema has the format "uri", however deep. What turns
// local files into URLs does so before mistakes() is asked.
struct FileMember {
    std::string field;  // as in mistakes()
    std::string value;  // as given
    const json::object* schema = nullptr;  // of the member; lives as long as the whole one
};
std::vector<FileMember> file_members(const json::object& schema, const json::object& input);

}  // namespace reeld::catalogue
