// The desk of takes: records what is heard, and replays it instead of the engine.
//
// In:  where the song is, the sound that was played, what the player wants. Out: a take on disk, or
// sound for the ring. A take has a place on the host's timeline for every sample, so a host without
// one can neither record nor replay. What a project names is never written to: recording goes on in
// a new take that has all of the old one. Link thread, but for the slip.

#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "antiphon/conversation.h"
#include "antiphon/exchange.h"
#include "antiphon/history.h"
#include "antiphon/take.h"

namespace antiphon {

// The take's name, between the project and the link. [any-thread but the audio thread]
class TakeSlip {
  public:
    std::string name() const {
        const std::lock_guard lock(mutex_);
        return name_;
    }
    void write(std::string name) {
        const std::lock_guard lock(mutex_);
        name_ = std::move(name);
    }

  private:
    mutable std::mutex mutex_;
    std::string name_;
};

class TakeDesk final : public SoundListener {
  public:
    TakeDesk(Exchange& exchange, History& history, TakeSlip& slip);

    void hear(std::uint64_t sample, const float* left, const float* right,
              std::size_t count) override;
    void follow(const SongPoint& point) override;
    void start(std::uint64_t sample) override { recorded_ = sample; }

    // Note how much was heard. Before the events are taken: what the audio thread says of a start, it
    // says before it goes on, so all that is noted here is known by the time it is recorded.
    void note();
    // Record what was heard up to the note since the last time, if that is wanted.
    void record();

    bool is_replay_wanted() const;
    bool is_replaying() const { return is_replaying_; }
    // Take over from the engine, and hand back to it; both let what stands still begin anew.
    void begin_replay(Memory& memory);
    void end_replay(Memory& memory);
    // Send sound as far as it is wanted.
    void replay();

    // Why nothing is recorded or replayed; empty while all is well.
    const std::string& problem() const { return problem_; }

  private:
    // Samples of the stream that lie one behind the other on the timeline.
    struct Run {
        std::int64_t place;
        std::uint64_t count;
    };
    std::optional<Run> run_from(std::uint64_t sample, std::uint64_t end) const;
    void record_until(std::uint64_t end);
    bool open_for_writing();
    void open_for_reading();
    void take_events();
    void begin_epoch(const Event& event);

    Exchange& exchange_;
    History& history_;
    TakeSlip& slip_;
    Take take_;
    SongPoint song_;
    std::uint64_t heard_ = 0;     // as noted
    std::uint64_t recorded_ = 0;  // all before is dealt with
    bool is_replaying_ = false,
         is_own_ = false;  // own: made by this instance, so it may be added to
    std::string problem_;
    std::vector<float> left_, right_;
};

}  // namespace antiphon
