// The ceiling: what is made never leaves louder than full scale, nor as anything but a number.
//
// A sample below -1.9 dB of full scale passes unchanged, bit for bit; what is louder is bent
// smoothly towards 0 dB and never reaches it. A pure function of each sample; any thread.

#pragma once

#include <cmath>

namespace antiphon {

inline constexpr float kKnee = 0.8f;  // full scale 1

inline float ceiling(float sample) noexcept {
    const float size = std::fabs(sample);
    if (size <= kKnee) return sample;
    if (!(size <= 1e6f)) return 0.0f;  // damage, not music
    const float over = (size - kKnee) / (1.0f - kKnee);
    const float bent = kKnee + (1.0f - kKnee) * over / (1.0f + over);
    return std::copysign(bent, sample);
}

}  // namespace antiphon
