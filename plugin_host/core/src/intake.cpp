#include "antiphon/intake.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace antiphon {

void Intake::prepare(const Axis& axis, std::uint32_t host_rate) {
    axis_ = axis;
    filter_.emplace(host_rate, kLinkRate);
    has_begun_ = false;
    window_size_ = 2 * filter_->half() + kMaxPiece;
    window_.assign(kChannels * window_size_, 0.0f);
    made_size_ = kMaxPiece * axis.down / axis.up + 2;
    made_.assign(kChannels * made_size_, 0.0f);
}

void Intake::take(std::uint64_t host, const float* const* in, std::size_t count) noexcept {
    if (!has_begun_ || host != heard_) begin(host);
    const std::size_t keep = std::min<std::size_t>(kept_, 2 * filter_->half());
    for (int channel = 0; channel < kChannels; ++channel) {
        float* row = window_.data() + channel * window_size_;
        std::memmove(row, row + (kept_ - keep), keep * sizeof(float));
        for (std::size_t i = 0; i < count; ++i)
            row[keep + i] = std::isfinite(in[channel][i]) ? in[channel][i] : 0.0f;
    }
    kept_ = keep + count;
    heard_ += count;
    emit();
}

// Before what is heard first there was silence.
void Intake::begin(std::uint64_t host) noexcept {
    has_begun_ = true;
    heard_ = host;
    next_ = axis_.link_floor(host) + (axis_.link_phase(host) != 0);
    kept_ = 2 * filter_->half();
    std::fill(window_.begin(), window_.end(), 0.0f);
}

void Intake::emit() noexcept {
    const std::uint64_t half = filter_->half(), before = half == 0 ? 0 : half - 1;
    const std::uint64_t first = next_;
    std::size_t made = 0;
    for (; made < made_size_; ++made, ++next_) {
        const std::uint64_t at = axis_.host_floor(next_);
        if (at + half >= heard_) break;
        const std::size_t start = static_cast<std::size_t>(kept_ + at - heard_ - before);
        for (int channel = 0; channel < kChannels; ++channel)
            made_[channel * made_size_ + made] = filter_->sum(
                window_.data() + channel * window_size_ + start, axis_.host_phase(next_));
    }
    ring_.write(first, made_.data(), made_.data() + made_size_, made);
}

}  // namespace antiphon
