#pragma once
// A client, a server and raw sockets on one real loop, for tests of what goes over the wire.
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/client.hpp"
#include "http/server.hpp"
#include "support/run_loop.hpp"

namespace reeld::test {

// Answers with what a function says.
class FunctionHandler final : public http::Handler {
  public:
    using Function = std::function<http::ServerResponse(const http::ServerRequest&)>;
    explicit FunctionHandler(Function function) : function_(std::move(function)) {}
    runtime::awaitable<http::ServerResponse> handle(http::ServerRequest request) override {
        requests.push_back(request);
        co_return function_(request);
    }
    std::vector<http::ServerRequest> requests;

  private:
    Function function_;
};

// A blocking peer on the far end of a TCP connection, for saying what no client of ours would. The
// loop under test is turned while it waits.
class RawPeer {
  public:
    RawPeer(boost::asio::io_context& context, const std::string& address);
    RawPeer(boost::asio::io_context& context, int accepted_fd);
    ~RawPeer();
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;

    void send(const std::string& bytes);
    // Reads until `mark` was seen or the connection ended.
    std::string read_until(const std::string& mark);
    std::string read_to_end();
    // Reads so many bytes, or to the end, and drops them; how many there were.
    std::size_t skip(std::size_t bytes);
    bool was_reset() const { return reset_; }
    void close();

  private:
    bool read_more(std::string& into);
    boost::asio::io_context& context_;
    int fd_;
    bool reset_ = false;
    bool ended_ = false;
    std::string left_;
};

// A listening socket whose connections a test answers by hand.
class RawListener {
  public:
    explicit RawListener(boost::asio::io_context& context);
    ~RawListener();
    RawListener(const RawListener&) = delete;
    RawListener& operator=(const RawListener&) = delete;
    std::string url(const std::string& target = "/") const;
    std::unique_ptr<RawPeer> accept();
    bool has_connection();

  private:
    boost::asio::io_context& context_;
    int fd_;
    int port_;
};

}  // namespace reeld::test
