#pragma once
// One JSON Schema, compiled. The validating library stays behind this interface.
#include <memory>

#include "base/json.hpp"
#include "base/result.hpp"

namespace reeld::catalogue {

class CompiledSchema {
  public:
    // Draft 7, without references. Patterns are left out: std::regex, which the library uses, recurses
    // for every character of a text. Errors: invalid, with the library's words on what is wrong.
    static Result<CompiledSchema> compile(const json::object& schema);
    ~CompiledSchema();
    CompiledSchema(CompiledSchema&&) noexcept;
    CompiledSchema& operator=(CompiledSchema&&) noexcept;

    bool accepts(const json::value& value) const;

  private:
    struct State;
    explicit CompiledSchema(std::unique_ptr<const State> state);
    std::unique_ptr<const State> state_;
};

}  // namespace reeld::catalogue
