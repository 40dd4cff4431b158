#pragma once
// From the text of a file to a model: reeld's own form, or the OpenAPI document of an endpoint.
#include <string>

#include "base/result.hpp"
#include "catalogue/model.hpp"

namespace reeld::catalogue {

// Errors (invalid) say what is wrong with which member of the file, and what would be right.
//
// The own form: id, title, output (video, image, audio or values), typical_seconds,
// price {"rules": [{"when": {member: value}, "usd": n, "per": "request" | "second" | "image" |
// "1000 characters", "of": member, "plus": [{"usd", "per", "of"}], "sure": bool}], "note": text},
// input (a JSON Schema, see InputCheck), example, advice. All but id and input may be left out.
// `source` is kept as the model's.
Result<Model> read_model_file(std::string_view text, std::string source);

}  // namespace reeld::catalogue
