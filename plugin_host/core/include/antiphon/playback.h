// Playback: the link's sound at the host's rate, without a click whatever happens to the link.
//
// In:  the ring of sound that the link fills. Out: stereo samples of the stream, in order. When
// sound runs out, the last 3 ms before the gap are faded out, and nothing is ever repeated; when it
// is back, and enough of it, it fades in at its own place in time. `prepare` while nothing is
// processed; everything else on the audio thread, which it never keeps waiting.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "antiphon/axis.h"
#include "antiphon/frame_ring.h"
#include "antiphon/polyphase.h"

namespace antiphon {

class Playback {
  public:
    static constexpr std::size_t kMaxPiece = 512;  // host samples of one call

    explicit Playback(FrameRing& ring) : ring_(ring) { prepare(kLinkRate); }

    // Go on at another rate, from the place reached.
    void prepare(std::uint32_t host_rate);

    // --- where ----------------------------------------------------------------------------------

    double position() const noexcept { return axis_.link_at(host_); }
    // The first whole link sample that is not sounded yet.
    std::uint64_t next_link() const noexcept {
        return axis_.link_floor(host_) + (axis_.link_phase(host_) != 0);
    }
    // The oldest link sample that is still of use.
    std::uint64_t needed() const noexcept;
    // The link sample behind the last one that so many host samples need, with what is held back
    // for a fade.
    std::uint64_t needed_until(std::uint64_t host_samples) const noexcept;
    // How many host samples, from here on, could be sounded now.
    std::uint64_t ready() const noexcept;
    const Axis& axis() const noexcept { return axis_; }
    std::uint64_t host() const noexcept { return host_; }

    // --- sounding -------------------------------------------------------------------------------

    // From now on the ring must have reached an epoch before anything sounds; what is sounding
    // still fades out.
    void await(std::uint32_t epoch) noexcept;
    bool has_epoch() const noexcept { return ring_.epoch() == epoch_; }
    // Go on at another place than the next: later, or so little earlier that it is still there.
    void skip(std::int64_t host_samples) noexcept { host_ += host_samples; }

    // Sound the next samples and go on behind them.
    //
    // out: two channels of `count` <= kMaxPiece, overwritten.
    void play(float* const* out, std::size_t count) noexcept;
    // The host stands still: fade out what is sounding, without going on.
    void rest(float* const* out, std::size_t count) noexcept;

    bool is_silent() const noexcept { return gain_ == 0.0f; }
    std::uint64_t underruns() const noexcept { return underruns_; }

  private:
    void render(std::uint64_t host, float* const* out, std::size_t count) noexcept;
    void take_leave() noexcept;
    void add_leave(float* const* out, std::size_t count) noexcept;
    void fade(float* const* out, std::size_t count, std::uint64_t ahead, bool is_open) noexcept;

    FrameRing& ring_;
    Axis axis_;
    std::optional<Polyphase> filter_;
    std::uint64_t host_ = 0;  // the next sample, on the axis
    std::uint64_t tail_ = 0;  // samples of a fade behind it that sounded already
    std::uint32_t epoch_ = 0;
    std::uint64_t fade_ = 144;   // host samples of a fade
    std::uint64_t start_ = 48;   // of the one that begins a stretch of music
    std::uint64_t rising_ = 48;  // of the one that comes next
    float gain_ = 0.0f;
    bool is_waiting_ = true;  // for enough to go on for a while
    std::uint64_t underruns_ = 0;
    std::vector<float> window_;  // [C][as much as a piece needs]
    std::size_t window_size_ = 0;
    std::vector<float> leave_;  // [C][kMaxPiece] the end of what sounded before an epoch
    std::size_t left_begin_ = 0, left_end_ = 0;  // of it, what is still to sound
};

}  // namespace antiphon
