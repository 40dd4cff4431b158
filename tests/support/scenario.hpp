#pragma once
// Fixed stories that together use every feature, each in a small world of its own: quick enough to
// be played once for every place in which something can go wrong.
#include <string_view>
#include <vector>

#include "support/stage.hpp"

namespace reeld::test {

struct Chapter {
    std::string_view name;
    WorldOptions (*options)();
    void (*play)(Stage& stage);
};

const std::vector<Chapter>& scenario();

// Plays one chapter in its world to the end; what is wrong afterwards, empty when nothing.
std::vector<std::string> play(const Chapter& chapter, World& world);

}  // namespace reeld::test
