// libFuzzer's entry: REELD_FUZZ_TARGET names the target, --targets lists them.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "base/log.hpp"
#include "fuzz/target.hpp"

namespace {

const reeld::fuzz::Target* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments);
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
    const bool list = *count > 1 && std::string_view((*arguments)[1]) == "--targets";
    const char* wanted = std::getenv("REELD_FUZZ_TARGET");
    for (const auto& target : reeld::fuzz::all_targets()) {
        if (list) std::printf("%s\n", std::string(target.name).c_str());
        if (wanted != nullptr && target.name == wanted) chosen = &target;
    }
    if (list) std::exit(0);
    if (chosen == nullptr) {
        std::fputs("set REELD_FUZZ_TARGET to one of the names that --targets prints\n", stderr);
        std::exit(2);
    }
    reeld::log::set_sink({});
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        chosen->run({reinterpret_cast<const char*>(data), size});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "broken property: %s\n", error.what());
        std::abort();
    }
    return 0;
}
