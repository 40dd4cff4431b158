#pragma once
// What the endpoints make: videos, pictures, sound, voices. Which one an endpoint makes is read off
// its id, as fal names them.
#include <optional>
#include <string>

#include "sandbox/world.hpp"

namespace reeld::sandbox {

// The text that an endpoint reads, and that may hold marks: `text` for the older speech models,
// else `prompt`.
std::string text_member(std::string_view endpoint);
std::string text_of(std::string_view endpoint, const json::object& input);

// A video, and what else the marks ask for.
Outcome video_outcome(const World& world, const Job& job);
// The result of a job that goes well.
Outcome good_outcome(const World& world, const Job& job);

// The first thing that the endpoint does not take: the member's name and what is wrong; nothing when
// it takes all.
struct Complaint {
    std::string member;
    std::string type;
};
std::optional<Complaint> find_fault(std::string_view endpoint, const json::object& input);

struct Product {
    std::string content_type;
    std::string bytes;  // the same at every call
};
// A file of the job by the name that its result gives it.
std::optional<Product> make_product(const World& world, const Job& job, std::string_view name);

}  // namespace reeld::sandbox
