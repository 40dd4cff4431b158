#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "support/retry_counts.hpp"

namespace {

using reeld::retry_branch::Shown;

// Whether all retry branches that this program shows have run.
bool retries_have_run(const std::string& program) {
    bool all = true;
    for (const Shown shown : {Shown::engine, Shown::download, Shown::store, Shown::http}) {
        if (!reeld::test::shows_retries(program, shown)) continue;
        for (const std::string& name : reeld::test::report_retries(shown)) {
            std::printf("ERROR: the retry branch %s never ran\n", name.c_str());
            all = false;
        }
    }
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    reeld::test::count_retries();
    doctest::Context context(argc, argv);
    const int result = context.run();
    // Only the whole program shows all that it is to show.
    if (result != 0 || context.shouldExit() || argc > 1) return result;
    return retries_have_run(argv[0]) ? 0 : 1;
}
