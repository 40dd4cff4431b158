#pragma once
// Lines that are drawn over themselves on a terminal.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "reel/text.hpp"

namespace reeld::reel {

class Live {
  public:
    // Hides the cursor until it is destroyed, however that comes about.
    explicit Live(std::function<void(std::string_view)> out);
    ~Live();
    Live(const Live&) = delete;
    Live& operator=(const Live&) = delete;

    void draw(const std::vector<std::string>& lines);
    void clear();

  private:
    std::function<void(std::string_view)> out_;
    std::size_t drawn_ = 0;
};

// Too small a terminal is treated as none.
bool can_redraw(const Look& look);

}  // namespace reeld::reel
