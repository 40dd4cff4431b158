#pragma once
// A folder for one test's databases, and shorthands for its jobs.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "store/store.hpp"

template <class T>
struct doctest::StringMaker<reeld::Result<T>> {
    static doctest::String convert(const reeld::Result<T>& result) {
        return result ? "a value" : result.error().message().c_str();
    }
};

namespace reeld::store::testing {

class Scratch {
  public:
    Scratch() {
        std::string pattern = (std::filesystem::temp_directory_path() / "reeld-store-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no scratch folder");
        folder_ = pattern;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    std::string file(const std::string& name) const { return (folder_ / name).string(); }

  private:
    std::filesystem::path folder_;
};

inline std::unique_ptr<Store> open_store(const std::string& path) {
    StoreConfig config;
    config.path = path;
    config.durable = false;
    auto store = Store::open(config);
    if (!store) throw std::runtime_error(store.error().message());
    return std::move(*store);
}

// The value of a transaction that must not fail.
template <class F>
auto in(Store& store, F f) {
    auto result = store.transact(f);
    if (!result) throw std::runtime_error(result.error().message());
    if constexpr (!std::is_void_v<std::invoke_result_t<F, Tx&>>) return std::move(*result);
}

inline constexpr Instant noon = from_unix_ms(1'795'262'400'000);

inline Job make_job(const std::string& id, State state = State::queued) {
    Job job;
    job.request.id = JobId(id);
    job.request.model = "fal-ai/minimax/hailuo-02/standard/image-to-video";
    job.request.input = R"({"prompt":"waves at dusk"})";
    job.provider = "fal";
    job.state = state;
    job.created_at = noon;
    if (domain::is_terminal(state)) {
        job.finished_at = noon;
    } else {
        job.due_at = noon;
    }
    return job;
}

// Inserts and fails loudly: the job with its seq and version.
inline Job insert(Store& store, Job job) {
    if (in(store, [&](Tx& tx) { return tx.insert_job(job); }) != InsertOutcome::inserted) {
        throw std::runtime_error("not inserted");
    }
    return job;
}

inline Job insert(Store& store, const std::string& id, State state = State::queued) {
    return insert(store, make_job(id, state));
}

inline std::optional<Job> find(Store& store, const std::string& id) {
    return in(store, [&](Tx& tx) { return tx.find_job(JobId(id)); });
}

}  // namespace reeld::store::testing
