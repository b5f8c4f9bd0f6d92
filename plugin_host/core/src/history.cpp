#include "antiphon/history.h"

#include <algorithm>

namespace antiphon {

void History::hear(std::uint64_t sample, const float* left, const float* right, std::size_t count) {
    const std::lock_guard lock(mutex_);
    if (sample > end_ + kMaxFrames || held_ == 0) {
        held_ = 0;
        end_ = sample;
    }
    const std::uint64_t back = end_ > sample ? end_ - sample : 0;  // made anew from there on
    held_ -= std::min(held_, back);
    end_ -= back;
    for (; end_ < sample;) {
        static constexpr float kSilence[512] = {};
        const auto missing = std::min<std::uint64_t>(sample - end_, 512);
        append(kSilence, kSilence, static_cast<std::size_t>(missing));
    }
    append(left, right, count);
}

void History::append(const float* left, const float* right, std::size_t count) {
    const std::uint64_t held = std::min<std::uint64_t>(held_ + count, kMaxFrames);
    const std::size_t room = frames_.size() / kChannels;
    if (held > room) {  // grow by doubling, laid out anew so that a place is its index modulo size
        std::vector<float> grown(
            kChannels *
            std::min(kMaxFrames, std::max<std::size_t>(2 * room, std::size_t{1} << 16)));
        const std::size_t size = grown.size() / kChannels;
        for (std::uint64_t at = end_ - held_; at < end_; ++at)
            for (int c = 0; c < kChannels; ++c)
                grown[kChannels * (at % size) + c] = frames_[kChannels * (at % room) + c];
        frames_ = std::move(grown);
    }
    const std::size_t size = frames_.size() / kChannels;
    for (std::size_t i = 0; i < count; ++i) {
        frames_[kChannels * ((end_ + i) % size)] = left[i];
        frames_[kChannels * ((end_ + i) % size) + 1] = right[i];
    }
    end_ += count;
    held_ = held;
}

std::uint64_t History::begin() const {
    const std::lock_guard lock(mutex_);
    return end_ - held_;
}

std::uint64_t History::end() const {
    const std::lock_guard lock(mutex_);
    return end_;
}

std::vector<float> History::copy(std::uint64_t first, std::size_t count) const {
    std::vector<float> out(kChannels * count, 0.0f);
    const std::lock_guard lock(mutex_);
    const std::uint64_t known = std::max(first, end_ - held_), last = std::min(first + count, end_);
    const std::size_t size = frames_.size() / kChannels;
    for (std::uint64_t at = known; at < last; ++at)
        for (int c = 0; c < kChannels; ++c)
            out[kChannels * (at - first) + c] = frames_[kChannels * (at % size) + c];
    return out;
}

}  // namespace antiphon
