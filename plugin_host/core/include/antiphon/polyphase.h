// The weights of a windowed-sinc resampler, for any ratio of rates.
//
// In:  two rates. Out: one output sample as a weighted sum of the inputs around it. Flat to 0.45 of
// the lower rate, below -100 dB from 0.5 on, linear phase, by Kaiser's window: the same design as
// the engine's. An output is a function of its own inputs only, summed up in one order, so whatever
// the blocks are, the samples are the same. Ratios of few phases are exact; others (44,099 Hz
// against 48,000) are interpolated between tabulated phases and err below -100 dB.
// Made on any thread but the audio thread; `sum` may be called on any.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace antiphon {

class Polyphase {
  public:
    // Rates in Hz, above 0.
    Polyphase(std::uint32_t in_rate, std::uint32_t out_rate);

    // Inputs on either side of an output that it depends on; 0 where the rates are equal.
    std::uint32_t half() const noexcept { return half_; }
    // How many places between two inputs an output can fall on.
    std::uint32_t phases() const noexcept { return up_; }

    // One output, `phase` / `phases()` behind an input sample x.
    //
    // inputs: the 2 * half() samples from x - half() + 1 on; x itself where the rates are equal.
    float sum(const float* inputs, std::uint32_t phase) const noexcept;

  private:
    const float* row(std::size_t index) const noexcept { return weights_.data() + index * taps_; }

    std::uint32_t up_;
    std::uint32_t half_ = 0;
    std::size_t taps_ = 0;  // 2 * half
    std::size_t rows_ = 0;  // phases that are tabulated, without the last, which is one input on
    bool is_exact_ = true;
    std::vector<float> weights_;  // [rows + 1][taps]
};

}  // namespace antiphon
