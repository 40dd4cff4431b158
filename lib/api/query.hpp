#pragma once
// Reads query parameters; every mistake is a 400 that names the parameter.
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "api/problem.hpp"
#include "http/server.hpp"
#include "store/store.hpp"

namespace reeld::api {

inline constexpr int list_limit_default = 100;
inline constexpr int list_limit_max = 500;

// A problem when `query` holds a parameter that is not in `known`, or one of them twice.
std::optional<Problem> check_parameters(const http::Target& target,
                                        std::initializer_list<std::string_view> known);

// state=a,b (or repeated), batch=, model=, label.KEY=, limit=, cursor=; empty values filter nothing.
std::variant<store::JobFilter, Problem> read_list_query(const http::Target& target);

// The cursor is opaque text; nothing when it was not made here.
std::string make_cursor(std::int64_t seq);
std::optional<std::int64_t> read_cursor(std::string_view text);

// Digits only, no sign.
std::optional<std::int64_t> read_count(std::string_view text);

}  // namespace reeld::api
