#pragma once
// Counts calls by kind, and says which of them shall fail and how.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reeld::test {

template <class Op, class Code>
class PlannedFailures {
  public:
    // The n-th call of that kind from now on (1: the next), and the ones behind it up to `times`;
    // with a `name_end` only calls on files whose names end so are counted.
    void plan(Op op, int nth, Code code, int times, std::string name_end) {
        planned_.push_back({op, nth, times, std::move(code), std::move(name_end)});
    }
    void forget() { planned_.clear(); }

    // Counts a call; how it shall fail.
    std::optional<Code> step(Op op, std::string_view name) {
        ++counts_[op];
        std::optional<Code> code;
        for (Failure& failure : planned_) {
            if (failure.op != op || !name.ends_with(failure.name_end)) continue;
            const int hit = ++failure.seen - failure.first;
            if (hit >= 0 && hit < failure.times) code = failure.code;
        }
        return code;
    }
    int count(Op op) const {
        const auto found = counts_.find(op);
        return found == counts_.end() ? 0 : found->second;
    }

  private:
    struct Failure {
        Op op;
        int first = 1;
        int times = 1;
        Code code;
        std::string name_end;
        int seen = 0;
    };
    std::map<Op, int> counts_;
    std::vector<Failure> planned_;
};

}  // namespace reeld::test
