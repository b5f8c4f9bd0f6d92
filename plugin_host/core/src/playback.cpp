#include "antiphon/playback.h"

#include <algorithm>

namespace antiphon {
namespace {

constexpr double kFadeSeconds = 0.003;  // out, and in again after a gap
constexpr double kStartSeconds =
    0.001;                              // in, where music begins: short, for the sake of its attack
constexpr std::uint64_t kHeldBack = 2;  // fades that are ready beside what is to be played

}  // namespace

void Playback::prepare(std::uint32_t host_rate) {
    axis_ = Axis::at(next_link(), host_rate);
    host_ = tail_ = 0;
    filter_.emplace(kLinkRate, host_rate);
    fade_ = std::max<std::uint64_t>(8, static_cast<std::uint64_t>(kFadeSeconds * host_rate));
    start_ = std::max<std::uint64_t>(4, static_cast<std::uint64_t>(kStartSeconds * host_rate));
    rising_ = start_;
    gain_ = 0.0f;
    window_size_ = kMaxPiece * axis_.down / axis_.up + 2 * filter_->half() + 2;
    window_.assign(kChannels * window_size_, 0.0f);
    leave_.assign(kChannels * kMaxPiece, 0.0f);
    left_begin_ = left_end_ = 0;
}

std::uint64_t Playback::needed() const noexcept {
    const std::uint64_t here = axis_.link_floor(host_), half = filter_->half();
    return here > half ? here - half : 0;
}

std::uint64_t Playback::needed_until(std::uint64_t host_samples) const noexcept {
    return axis_.link_floor(host_ + host_samples + kHeldBack * fade_) + filter_->half() + 1;
}

std::uint64_t Playback::ready() const noexcept {
    if (!has_epoch()) return 0;
    const std::uint64_t end = ring_.end(), half = filter_->half();
    const std::uint64_t sounded = axis_.hosts_before(end > half ? end - half : 0);
    return sounded > host_ ? sounded - host_ : 0;
}

void Playback::await(std::uint32_t epoch) noexcept {
    if (gain_ > 0.0f) take_leave();
    epoch_ = epoch;
    gain_ = 0.0f;
    rising_ = start_;
    tail_ = 0;
    is_waiting_ = true;
}

// Keep the end of what sounds: from its gain to none, as far as it is there.
void Playback::take_leave() noexcept {
    const std::uint64_t all = ready(), ahead = all > tail_ ? all - tail_ : 0;
    left_begin_ = 0;
    left_end_ = static_cast<std::size_t>(std::min<std::uint64_t>({ahead, fade_, kMaxPiece}));
    float* rows[kChannels] = {leave_.data(), leave_.data() + kMaxPiece};
    render(host_ + tail_, rows, left_end_);
    for (std::size_t i = 0; i < left_end_; ++i) {
        const float part = static_cast<float>(left_end_ - i) / static_cast<float>(left_end_ + 1);
        for (float* row : rows) row[i] *= gain_ * part;
    }
}

void Playback::add_leave(float* const* out, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count && left_begin_ < left_end_; ++i, ++left_begin_)
        for (int channel = 0; channel < kChannels; ++channel)
            out[channel][i] += leave_[channel * kMaxPiece + left_begin_];
}

void Playback::play(float* const* out, std::size_t count) noexcept {
    tail_ = 0;
    const std::uint64_t ahead = ready();
    const bool was_sounding = gain_ > 0.0f;
    if (ahead >= count + kHeldBack * fade_) is_waiting_ = false;
    render(host_, out, static_cast<std::size_t>(std::min<std::uint64_t>(ahead, count)));
    fade(out, count, ahead, !is_waiting_);
    if (was_sounding && gain_ == 0.0f) {
        ++underruns_;
        is_waiting_ = true;
        rising_ = fade_;
    }
    add_leave(out, count);
    host_ += count;
    ring_.release(needed());
}

void Playback::rest(float* const* out, std::size_t count) noexcept {
    rising_ = start_;
    is_waiting_ = true;
    const std::uint64_t all = ready(), ahead = all > tail_ ? all - tail_ : 0;
    const std::uint64_t sounded = is_silent() ? 0 : std::min<std::uint64_t>(ahead, count);
    render(host_ + tail_, out, static_cast<std::size_t>(sounded));
    fade(out, count, sounded, false);
    add_leave(out, count);
    tail_ += count;
}

void Playback::render(std::uint64_t host, float* const* out, std::size_t count) noexcept {
    if (count == 0) return;
    const std::uint64_t half = filter_->half(), before = half == 0 ? 0 : half - 1;
    const std::uint64_t first = axis_.link_floor(host), last = axis_.link_floor(host + count - 1);
    const std::uint64_t missing = first < before ? before - first : 0;  // before the stream's start
    float* rows[kChannels] = {window_.data(), window_.data() + window_size_};
    const std::size_t length = static_cast<std::size_t>(last - first + before + half + 1);
    for (float* row : rows) std::fill(row, row + missing, 0.0f);
    ring_.read(first + missing - before, length - missing, rows[0] + missing, rows[1] + missing);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t at = axis_.link_floor(host + i) - first;
        const std::uint32_t phase = axis_.link_phase(host + i);
        for (int channel = 0; channel < kChannels; ++channel)
            out[channel][i] = filter_->sum(rows[channel] + at, phase);
    }
}

void Playback::fade(float* const* out, std::size_t count, std::uint64_t ahead,
                    bool is_open) noexcept {
    const float up = 1.0f / static_cast<float>(rising_), down = 1.0f / static_cast<float>(fade_);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t left = ahead > i ? ahead - i : 0;
        const bool is_rising = is_open && left > fade_;
        gain_ = is_rising ? std::min(1.0f, gain_ + up) : std::max(0.0f, gain_ - down);
        if (left == 0) gain_ = 0.0f;
        for (int channel = 0; channel < kChannels; ++channel)
            out[channel][i] = left == 0 ? 0.0f : out[channel][i] * gain_;
    }
}

}  // namespace antiphon
