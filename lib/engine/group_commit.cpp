#include "engine/group_commit.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"

namespace reeld::engine {
namespace {

constexpr std::uint64_t commits_per_checkpoint = 32;

// The waiters of one flush, woken together.
struct Batch {
    explicit Batch(const boost::asio::any_io_executor& executor)
        : bell(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::steady_timer bell;
    bool done = false;
    Status status = ok();
};

}  // namespace

struct GroupCommit::State : std::enable_shared_from_this<GroupCommit::State> {
    State(boost::asio::any_io_executor e, store::Store& s) : executor(std::move(e)), store(&s) {}

    boost::asio::any_io_executor executor;
    store::Store* store;  // null once the owner has gone
    std::shared_ptr<Batch> batch;
    std::uint64_t commits = 0;
    bool failing = false;
    std::function<void(bool)> hear;

    // The flush comes behind what is ready to run now, so that all of it shares the flush.
    void schedule(int turns) {
        auto self = shared_from_this();
        boost::asio::post(executor, [self, turns] {
            if (turns > 1) {
                self->schedule(turns - 1);
            } else {
                self->flush();
            }
        });
    }

    void flush() {
        if (store == nullptr) return;
        const std::shared_ptr<Batch> flushed = std::exchange(batch, nullptr);
        flushed->status = store->commit();
        flushed->done = true;
        failing = !flushed->status;
        ++commits;
        if (hear) hear(!failing);
        if (failing) {
            log::error("store", "the database did not take a commit; nothing of it was kept",
                       {{"error", flushed->status.error().message()}});
        }
        flushed->bell.cancel();
        if (commits % commits_per_checkpoint == 0) checkpoint();
    }

    void checkpoint() {
        const Status status = store->checkpoint();
        if (status) return;
        log::warning("store", "a checkpoint failed; the write-ahead log grows",
                     {{"error", status.error().message()}});
    }
};

GroupCommit::GroupCommit(boost::asio::any_io_executor executor, store::Store& store)
    : state_(std::make_shared<State>(std::move(executor), store)) {}

GroupCommit::~GroupCommit() {
    state_->store = nullptr;
    state_->hear = nullptr;
}

awaitable<Status> GroupCommit::durable() {
    const std::shared_ptr<State> state = state_;
    if (!state->store->dirty()) co_return ok();
    if (!state->batch) {
        state->batch = std::make_shared<Batch>(state->executor);
        state->schedule(2);
    }
    const std::shared_ptr<Batch> batch = state->batch;
    while (!batch->done) {
        co_await batch->bell.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        const auto cancelled = co_await boost::asio::this_coro::cancellation_state;
        if (cancelled.cancelled() != boost::asio::cancellation_type::none && !batch->done) {
            co_return Error(ErrorCode::cancelled, "stopped while waiting for the database");
        }
    }
    co_return batch->status;
}

void GroupCommit::after_flush(std::function<void(bool kept)> hear) {
    state_->hear = std::move(hear);
}

void GroupCommit::checkpoint() { state_->checkpoint(); }
std::uint64_t GroupCommit::commits() const { return state_->commits; }
bool GroupCommit::failing() const { return state_->failing; }

}  // namespace reeld::engine
