#pragma once
// Small, real, playable MP4 files, made without an encoder.
#include <string>
#include <string_view>

namespace reeld::sandbox {

struct Mp4Spec {
    std::string_view seed;  // colours and the file's bytes follow from it
    unsigned seconds = 4;   // 24 pictures each
    unsigned columns = 4;   // macroblocks of 16 samples
    unsigned rows = 4;
    bool faststart = true;  // moov before mdat
};

// One H.264 baseline track. About 6 KB a second at 64x64.
std::string make_mp4(const Mp4Spec& spec);

}  // namespace reeld::sandbox
