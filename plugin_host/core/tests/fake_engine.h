// An engine for tests: speaks the bridge's protocol, and plays numbers instead of music.
//
// Sample e of a session's own count sounds as `sound_left(e)` on the left and as the place in the
// song on the right, so that a test can say of every sample where it came from. `FakeEngine` is all
// of it without a socket; `FakeServer` puts it behind two ROUTERs on loopback, in a thread, and can
// hang, die and come back.

#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "antiphon/json.h"
#include "antiphon/wire.h"

namespace antiphon::test {

inline constexpr int kRamp = 1 << 20;

// Exact in float32, and below the plugin's ceiling.
inline float sound_left(std::uint64_t e) { return 0.5f * static_cast<float>(e % kRamp) / kRamp; }
inline float sound_right(double quarter) { return static_cast<float>(quarter / 1024.0); }

struct FakeSession {
    std::string name, token, key;
    std::uint64_t sent = 0, credit = 0, needed = 0, sequence = 0;
    std::int64_t origin = 0;  // what the client counts more than the engine
    std::uint64_t song_revision = 0;
    double song_sample = 0.0, quarter = 0.0, bpm = 0.0;  // on the engine's own axis
    std::vector<std::string> settings;                   // commands in force
};

struct FakeLog {
    std::vector<std::string> commands, whens;
    std::vector<std::string> hellos;  // session names, in order
    std::vector<std::uint64_t> hello_samples;
    std::vector<double> hello_quarters;  // -1: none
    std::vector<double> quarters;        // that were told
    std::vector<std::uint64_t> song_samples;
    std::vector<float> input;             // left channel
    std::vector<std::uint64_t> input_at;  // first sample of each block
    int credits = 0, waits = 0, byes = 0, heartbeats = 0;
};

class FakeEngine {
  public:
    using Send = std::function<void(const std::string& connection, const std::string& part)>;

    FakeEngine(Send send_control, Send send_audio, std::string audio_endpoint);

    void take_control(const std::string& connection, const std::string& part);
    void take_audio(const std::string& connection, const std::string& part);
    // Send the sound that may go.
    void pump();

    std::map<std::string, FakeSession> sessions;
    FakeLog log;
    std::string boot = "boot-1", refuse_code;  // code: of every hello
    int protocol = 1, heartbeat_ms = 100, park_ms = 600;
    bool acks = true;                 // whether asks are ever obeyed
    std::uint64_t made = 1ULL << 60;  // engine samples that exist
    bool sends_nonsense = false;
    std::string refused_text;  // a command with it is refused

  private:
    struct Peer {
        std::string session, client, audio;
    };
    void say(const std::string& connection, const std::string& part);
    void welcome(const std::string& connection, const Json& hello);

    Send send_control_, send_audio_;
    std::string audio_endpoint_;
    std::map<std::string, Peer> peers_;
    std::uint64_t keys_ = 0;
};

// A FakeEngine on loopback. `with` gives access to it while its thread goes on.
class FakeServer {
  public:
    // folder: where it announces itself; it must be ANTIPHON_RUNTIME_DIR for plugins to find it.
    explicit FakeServer(std::string folder);
    ~FakeServer();

    void with(const std::function<void(FakeEngine&)>& look);
    void hang(bool is_hung) { is_hung_ = is_hung; }
    // Close everything at once, as if killed; `start` makes a new one that knows nothing.
    void kill();
    void start();
    const std::string& endpoint() const { return endpoint_; }

  private:
    void run();
    void announce();

    std::string folder_, endpoint_;
    std::mutex mutex_;
    std::unique_ptr<FakeEngine> engine_;
    std::atomic<bool> is_ending_{false}, is_hung_{false};
    void* context_ = nullptr;
    void* control_ = nullptr;
    void* audio_ = nullptr;
    std::thread thread_;
    int boots_ = 0;
};

}  // namespace antiphon::test
