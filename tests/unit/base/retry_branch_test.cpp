#include "base/retry_branch.hpp"

#include <doctest/doctest.h>

#include "support/retry_counts.hpp"

using reeld::RetryBranch;
namespace retry_branch = reeld::retry_branch;

TEST_CASE("a branch that is taken is counted, and no other") {
    const auto before = reeld::test::retries_so_far();
    retry_branch::taken(RetryBranch::submit_not_sent);
    auto expected = before;
    ++expected.at(static_cast<std::size_t>(RetryBranch::submit_not_sent));
    CHECK(reeld::test::retries_so_far() == expected);
}

TEST_CASE("a branch is found under its own number, with a name and what it does") {
    for (std::size_t i = 0; i < retry_branch::all.size(); ++i) {
        const retry_branch::Description& one = retry_branch::all.at(i);
        CHECK(one.branch == static_cast<RetryBranch>(i));
        CHECK_FALSE(one.meaning.empty());
    }
    CHECK(retry_branch::all.at(0).name == "store.goes_on_reading");
}
