// Intake: what comes into the plugin, brought to the link's rate and left for the link to fetch.
//
// In:  host samples, in the stream's order. Out: link samples at their places in a ring, each as
// soon as the host samples around it are there. Equal rates pass through, bit for bit. `prepare`
// while nothing is processed; `take` on the audio thread, which it never keeps waiting.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "antiphon/axis.h"
#include "antiphon/frame_ring.h"
#include "antiphon/polyphase.h"

namespace antiphon {

class Intake {
  public:
    static constexpr std::size_t kMaxPiece = 512;  // host samples of one call

    explicit Intake(FrameRing& ring) : ring_(ring) { prepare(Axis{}, kLinkRate); }

    // Begin anew on an axis of the host's rate.
    void prepare(const Axis& axis, std::uint32_t host_rate);

    // Take `count` <= kMaxPiece samples of two channels; `host` is the place of the first. If it is
    // not where the last ones ended, the stream begins anew there.
    void take(std::uint64_t host, const float* const* in, std::size_t count) noexcept;

  private:
    void begin(std::uint64_t host) noexcept;
    void emit() noexcept;

    FrameRing& ring_;
    Axis axis_;
    std::optional<Polyphase> filter_;
    std::uint64_t heard_ = 0;  // the host sample that comes next
    std::uint64_t next_ = 0;   // the link sample that is to be made next
    bool has_begun_ = false;
    std::size_t kept_ = 0;  // host samples in the window, the last of them before `heard_`
    std::size_t window_size_ = 0, made_size_ = 0;
    std::vector<float> window_;  // [C][kept and new ones]
    std::vector<float> made_;    // [C][link samples of one call]
};

}  // namespace antiphon
