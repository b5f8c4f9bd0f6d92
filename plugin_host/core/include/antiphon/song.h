// Where the host's song is: what a host says with a block, and what can be predicted from it.
//
// In:  `HostTime`, checked, with the place of its first sample on the stream. Out: whether it is
// news, and a `SongPoint`, from which the place at any later sample follows. Audio thread; pure.
// Hosts say where they are with every block: what holds anyway is not news. Tempo is in quarter
// notes a minute, places are in quarter notes, samples are of the link.

#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

#include "antiphon/axis.h"

namespace antiphon {

struct Loop {
    double start = 0.0, end = 0.0;  // quarters
};

struct Signature {
    int beats = 4, unit = 4;
};

// What a host says of a block's first sample; nothing where it says nothing.
struct HostTime {
    bool has_transport = false;  // false: there is nothing that could be stopped
    bool is_playing = true;
    std::optional<double> quarter, bpm, bar_quarter;
    std::optional<double> seconds;  // from the song's start, on the host's timeline
    bool is_rough = false;          // the seconds are known as well as the quarters only
    std::optional<Signature> signature;
    std::optional<Loop> loop;

    // Drop whatever no song can be: hosts say 0 bpm, NaN and worse. Before the song's start some,
    // and JUCE for all, go on saying 0 seconds: there the quarters tell them, roughly.
    HostTime checked() const noexcept;
    // The same to the sample, if it is known roughly and its block ends where the song starts:
    // hosts that begin before the start break their blocks there.
    HostTime ending_at_start(double block_seconds) const noexcept;
    // The same, some samples later.
    HostTime later(double link_samples) const noexcept;
};

// A sample of the stream at which the place in the song is known, and what goes on from there.
struct SongPoint {
    double sample = 0.0;
    HostTime time;

    // Place at a sample, round loops; nothing where the host never said one.
    std::optional<double> quarter_at(double at) const noexcept;
    // Place on the timeline in link samples, round loops; nothing where it is not known.
    std::optional<std::int64_t> place_at(double at) const noexcept;
    // The same song, known at a later sample.
    SongPoint moved_to(double at) const noexcept;
};

// Refined: the same song, whose seconds are now known to the sample.
enum class News { none, refined, changed, jumped };

// Compares what is said with what was said before.
class SongWatch {
  public:
    // What is new about a block's first sample; it is what is predicted from, from now on.
    News see(const HostTime& said, double sample) noexcept;
    const SongPoint& point() const noexcept { return point_; }
    // What was said last is true of another sample, or at another place.
    void put(double sample) noexcept { point_.sample = sample; }
    void put(double sample, double quarter) noexcept {
        put(sample);
        point_.time.quarter = quarter;
    }
    void forget() noexcept { knows_ = false; }

  private:
    News compare(const HostTime& said, double sample) const noexcept;

    SongPoint point_;
    bool knows_ = false;
};

}  // namespace antiphon
