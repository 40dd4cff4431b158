#pragma once
// The real outputs of the program.
#include "reel/session.hpp"

namespace reeld::reel {

// `now` is asked for every look; colour only on a terminal, and not with NO_COLOR.
Console make_console(std::function<Instant()> now);
// "-" reads standard input to its end.
ReadFile make_read_file(runtime::FileSystem& files);

}  // namespace reeld::reel
