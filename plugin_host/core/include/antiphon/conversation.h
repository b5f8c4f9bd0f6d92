// A conversation with one engine: from hello to the end, message by message.
//
// In:  parts from both sockets, events from the audio thread, what the player wishes, the time.
// Out: parts to send. Knows neither sockets nor threads, so a test can hold one with a few lines.
//
//     greeting   hello is said; a session is being opened or picked up again
//     priming    the engine is told all it must know; sound would not be the right one yet
//     playing    credit flows one way and sound the other
//     over       the engine is gone, refuses, or never answered; see `end_reason`
//
// On the link's thread. An epoch, asked for by the audio thread, is a new hello: the stream goes on
// at the same place with sound that was made with all that is known now.

#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antiphon/exchange.h"
#include "antiphon/messages.h"
#include "antiphon/report.h"
#include "antiphon/wire.h"
#include "antiphon/wishes.h"

namespace antiphon {

// How a conversation sends. False: not now; nothing is queued then.
class Sender {
  public:
    virtual ~Sender() = default;
    virtual bool send_control(const std::string& part) = 0;
    virtual bool send_audio(const void* part, std::size_t size) = 0;
    virtual void connect_audio(const std::string& endpoint) = 0;
};

// Is told all sound that arrives, at its place in the stream, and where the song is. On the link's
// thread.
class SoundListener {
  public:
    virtual ~SoundListener() = default;
    virtual void hear(std::uint64_t sample, const float* left, const float* right,
                      std::size_t count) = 0;
    // The song goes on from here; what comes before it was heard.
    virtual void follow(const SongPoint& point) = 0;
    // The stream moves from a sample on; what comes before it was not heard.
    virtual void start(std::uint64_t sample) = 0;
};

// What outlives a conversation.
struct Memory {
    std::string client;  // this instance's own name
    std::string session, token;
    unsigned sessions = 0;  // that were opened
    std::uint64_t revision = 0;
    SongPoint song;
    std::optional<Event> epoch;  // is still to be begun
};

class Conversation {
  public:
    enum class Phase { greeting, priming, playing, over };

    Conversation(Exchange& exchange, Wishes& wishes, ReportBoard& board, Memory& memory,
                 Sender& sender, SoundListener* listener, double now);

    void take_control(std::string_view part, double now);
    void take_audio(const void* part, std::size_t size, double now);
    // Do what is due. Often.
    void turn(double now);
    // Leave; the engine ends the session and keeps its take.
    void leave();
    // The engine is found to be gone.
    void lose(std::string reason) { finish(std::move(reason), false); }

    Phase phase() const noexcept { return phase_; }
    const std::string& end_reason() const noexcept { return end_reason_; }
    // Whether the same engine should be left alone for a while.
    bool is_refused() const noexcept { return is_refused_; }

  private:
    struct Asked {
        std::string slot;
        double at;
    };

    void greet(double now);
    std::uint64_t epoch_sample() const;
    std::uint64_t resume_sample() const;
    std::vector<std::string> settings_to_begin_with() const;
    void take_events(double now);
    void pick(int index, double now);
    void begin_epoch(double now);
    bool is_primed(double now) const;
    void tell_wishes(double now);
    void tell_song();
    void fence(double now);
    void give_credit(double now);
    void send_input();
    void send_input_block(std::uint64_t sample, std::size_t count);
    void ask(const std::string& slot, const std::string& command, bool is_switch, double now);
    void finish(std::string reason, bool is_refused);
    Values values() const;
    std::string when() const;
    void show(LinkState state);
    wire::Header header(wire::Kind kind, std::uint64_t sample) const;

    void obey(const heard::Welcome& welcome, double now);
    void obey(const heard::Ack& ack, double now);
    void obey(const heard::Refuse& refuse, double now);
    void obey(const heard::Heartbeat& heartbeat, double now);
    void obey(const heard::Remark& remark, double now);
    void obey(const heard::Farewell& farewell, double now);
    void obey(const heard::Status& status, double now);

    Exchange& exchange_;
    Wishes& wishes_;
    ReportBoard& board_;
    Memory& memory_;
    Sender& sender_;
    SoundListener* listener_;

    Phase phase_ = Phase::greeting;
    std::string end_reason_;
    bool is_refused_ = false, has_session_ = false;
    bool is_cautious_ = false;  // settings are not said with the hello
    double heard_at_, opened_at_, hello_due_, heartbeat_due_ = 0.0, prime_until_ = 0.0;
    double welcomed_at_ = 0.0, epoch_asked_at_ = 0.0, credit_at_ = 0.0, fence_at_ = 0.0,
           wishes_due_ = 0.0;
    double heartbeat_seconds_ = 0.25, silence_seconds_ = 2.5;
    std::uint32_t answering_ = 0;  // the epoch that the hello is for
    std::array<std::uint8_t, wire::kKeyBytes> key_{};
    Settled settled_;
    std::map<std::uint64_t, Asked> asked_;  // by revision
    std::uint64_t song_revision_ = 0, fence_ = 0, echoed_ = 0;
    std::uint64_t credit_ = 0, sequence_ = 0, input_next_ = 0;
    bool song_due_ = false;
    std::string audio_endpoint_;
    std::vector<std::uint8_t> part_;   // of audio, to be sent
    std::vector<float> left_, right_;  // of a block
};

}  // namespace antiphon
