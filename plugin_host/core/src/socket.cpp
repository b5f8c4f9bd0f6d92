#include "antiphon/socket.h"

namespace antiphon {
namespace {

constexpr int kHighWater = 1000;              // messages; credit keeps audio far below it
constexpr int kPingMs = 500, kGoneMs = 2000;  // libzmq's own heartbeat, for silent deaths
constexpr int kReconnectMs = 50, kReconnectMaxMs = 500;
constexpr int kLingerMs = 200;  // for a goodbye
constexpr std::int64_t kMaxMessageBytes = 2 << 20;

}  // namespace

Context::Context(const ZmqLibrary& zmq) : zmq_(zmq), context_(zmq.ctx_new()) {}

Context::~Context() {
    if (context_ == nullptr) return;
    zmq_.ctx_shutdown(context_);
    zmq_.ctx_term(context_);
}

Dealer::Dealer(Context& context, const std::string& endpoint, const CurveKeys& keys)
    : zmq_(context.zmq()), socket_(zmq_.socket(context.get(), ZMQ_DEALER)) {
    if (socket_ == nullptr) return;
    const auto set = [this](int option, int value) {
        zmq_.setsockopt(socket_, option, &value, sizeof value);
    };
    set(ZMQ_LINGER, kLingerMs);
    set(ZMQ_SNDHWM, kHighWater);
    set(ZMQ_RCVHWM, kHighWater);
    set(ZMQ_IMMEDIATE, 1);  // queue nothing for an engine that is not there
    set(ZMQ_RECONNECT_IVL, kReconnectMs);
    set(ZMQ_RECONNECT_IVL_MAX, kReconnectMaxMs);
    set(ZMQ_HEARTBEAT_IVL, kPingMs);
    set(ZMQ_HEARTBEAT_TIMEOUT, kGoneMs);
    set(ZMQ_IPV6, endpoint.find('[') != std::string::npos ? 1 : 0);
    zmq_.setsockopt(socket_, ZMQ_MAXMSGSIZE, &kMaxMessageBytes, sizeof kMaxMessageBytes);
    if (!keys.engine.empty()) {
        const auto key = [this](int option, const std::string& text) {
            zmq_.setsockopt(socket_, option, text.c_str(), text.size() + 1);
        };
        key(ZMQ_CURVE_SERVERKEY, keys.engine);
        key(ZMQ_CURVE_PUBLICKEY, keys.mine);
        key(ZMQ_CURVE_SECRETKEY, keys.secret);
    }
    if (zmq_.connect(socket_, endpoint.c_str()) != 0) {
        zmq_.close(socket_);
        socket_ = nullptr;
    }
}

Dealer::~Dealer() {
    if (socket_ != nullptr) zmq_.close(socket_);
}

bool Dealer::send(const void* part, std::size_t size) {
    return socket_ != nullptr && zmq_.send(socket_, part, size, ZMQ_DONTWAIT) >= 0;
}

}  // namespace antiphon
