// A player in C++ with nothing but libzmq: says hello, asks for a prompt, plays two seconds of sound.
//
//     g++ -std=c++17 -I plugin_host/core/include examples/zeromq_client.cpp -lzmq -o client
//     ./client tcp://127.0.0.1:7450 "slow reggae, 75 bpm" > sound.f32
//
// In:  where an engine listens (see docs/protocol.md) and a prompt. Out: float32 stereo at 48 kHz,
// channel after channel per block, on stdout; what was heard, on stderr.

#include <zmq.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "antiphon/wire.h"

namespace wire = antiphon::wire;

constexpr std::uint32_t kRate = 48000;
constexpr std::uint64_t kSamples = 2 * kRate;
constexpr std::uint64_t kAhead = kRate / 10;  // how far ahead of the playhead sound is asked for

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(1);
}

void* dealer(void* context, const std::string& endpoint) {
    void* socket = zmq_socket(context, ZMQ_DEALER);
    const int linger = 0, wait = 10000;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    if (zmq_connect(socket, endpoint.c_str()) != 0) fail("cannot connect to " + endpoint);
    return socket;
}

std::string receive(void* socket) {
    std::vector<char> part(wire::kMaxMessageBytes);
    const int size = zmq_recv(socket, part.data(), part.size(), 0);
    if (size < 0) fail("the engine does not answer");
    return std::string(part.data(), static_cast<std::size_t>(size));
}

// The text behind "name": in one flat JSON object; enough for this, not for a plugin.
std::string field(const std::string& json, const std::string& name) {
    const std::size_t at = json.find("\"" + name + "\":\"");
    if (at == std::string::npos) fail("no " + name + " in " + json);
    const std::size_t start = at + name.size() + 4;
    return json.substr(start, json.find('"', start) - start);
}

void say(void* socket, const std::string& json) {
    zmq_send(socket, json.data(), json.size(), 0);
}

void wait_until_done(void* control) {
    while (true) {
        const std::string answer = receive(control);
        if (answer.find("\"refused\"") != std::string::npos) fail(answer);
        if (answer.find("\"done\"") != std::string::npos) return;
    }
}

void send_credit(void* audio, const std::string& key, std::uint64_t place, std::uint64_t count) {
    wire::Header header;
    header.kind = static_cast<std::uint16_t>(wire::Kind::credit);
    for (std::size_t i = 0; i < wire::kKeyBytes; ++i)
        header.key[i] = static_cast<std::uint8_t>(std::stoi(key.substr(2 * i, 2), nullptr, 16));
    header.sequence = count;
    header.sample = place;
    header.credit = place + kAhead;
    header.rate = kRate;
    header.flags = wire::kWaits;  // this program waits for its sound; a sound card does not
    std::uint8_t part[wire::kHeaderBytes];
    if (wire::write(header, part, sizeof part) != wire::Fault::none) fail("no such credit");
    zmq_send(audio, part, sizeof part, 0);
}

int main(int argc, char** argv) {
    if (argc != 3) fail("usage: client tcp://HOST:PORT PROMPT");
    void* context = zmq_ctx_new();
    void* control = dealer(context, argv[1]);
    say(control, R"({"type":"hello","client":"example-cpp","rate":48000,"channels":2})");
    const std::string welcome = receive(control);
    if (welcome.find("\"welcome\"") == std::string::npos) fail(welcome);

    say(control, R"({"type":"ask","revision":1,"command":{"kind":"prompt","index":1,"text":")" +
                     std::string(argv[2]) + "\"}}");
    wait_until_done(control);

    void* audio = dealer(context, field(welcome, "audio"));
    std::uint64_t place = 0, messages = 0, credits = 0;
    while (place < kSamples) {
        send_credit(audio, field(welcome, "key"), place, credits++);
        const std::uint64_t until = place + kAhead;
        while (place < until) {
            const std::string part = receive(audio);
            wire::Header header;
            if (wire::read(part.data(), part.size(), header) != wire::Fault::none)
                fail("not what was expected: " + part.substr(0, 200));
            if (header.sample != place || header.sequence != messages) fail("out of order");
            std::fwrite(part.data() + wire::kHeaderBytes, 1, part.size() - wire::kHeaderBytes, stdout);
            place += header.samples;
            ++messages;
        }
    }
    say(control, R"({"type":"bye","keep":false})");
    std::fprintf(stderr, "%llu samples in %llu messages\n", static_cast<unsigned long long>(place),
                 static_cast<unsigned long long>(messages));
    zmq_close(audio);
    zmq_close(control);
    zmq_ctx_term(context);
    return 0;
}
