// A ZeroMQ DEALER and the context it lives in, closed whatever happens.
//
// In:  an endpoint. Out: single parts, sent or received without waiting. A context belongs to one
// instance of the plugin, so that unloading one never waits for another. On the link's thread.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "antiphon/zmq_library.h"

namespace antiphon {

class Context {
  public:
    explicit Context(const ZmqLibrary& zmq);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    const ZmqLibrary& zmq() const noexcept { return zmq_; }
    void* get() const noexcept { return context_; }

  private:
    const ZmqLibrary& zmq_;
    void* context_;
};

// What a client needs where an engine wants to know who it is; empty where it does not.
struct CurveKeys {
    std::string engine, mine, secret;  // 40 characters of Z85 each
};

class Dealer {
  public:
    Dealer(Context& context, const std::string& endpoint, const CurveKeys& keys);
    ~Dealer();
    Dealer(const Dealer&) = delete;
    Dealer& operator=(const Dealer&) = delete;

    bool is_open() const noexcept { return socket_ != nullptr; }
    void* get() const noexcept { return socket_; }
    // False if there is nobody to send to, or no room.
    bool send(const void* part, std::size_t size);
    // The next part that came, until there is none; parts of longer messages are left out.
    template <typename Take>
    void receive(int budget, Take take) {
        for (; budget > 0; --budget) {
            zmq_msg_t message;
            zmq_.msg_init(&message);
            if (zmq_.msg_recv(&message, socket_, ZMQ_DONTWAIT) < 0) {
                zmq_.msg_close(&message);
                return;
            }
            const bool is_alone = !zmq_.msg_more(&message) && !is_in_longer_;
            is_in_longer_ = zmq_.msg_more(&message) != 0;
            if (is_alone) take(zmq_.msg_data(&message), zmq_.msg_size(&message));
            zmq_.msg_close(&message);
        }
    }

  private:
    const ZmqLibrary& zmq_;
    void* socket_;
    bool is_in_longer_ = false;
};

}  // namespace antiphon
