// A ring of stereo frames between two threads, each frame at its own place of the stream.
//
// One thread writes, one reads; neither waits, locks or allocates. Both channels of a frame are
// committed together. What is written is one stretch [begin, end): writing further on than `end`
// begins a new stretch there. The writer never touches a place at or behind the reader's floor, so
// the reader may read [floor, end) at leisure. An epoch is a promise from the writer that all there
// is is new; until the reader sees its number, it must not read.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "antiphon/axis.h"

namespace antiphon {

class FrameRing {
  public:
    // Room for 2^bits frames.
    explicit FrameRing(unsigned bits)
        : size_(std::size_t{1} << bits), samples_(new float[kChannels * size_]()) {}

    std::size_t size() const noexcept { return size_; }

    // --- [writer] -------------------------------------------------------------------------------

    // Forget all there is, and begin anew at a place; what the reader is past may be told again, as
    // far as a quarter of the ring goes back.
    void begin_epoch(std::uint32_t epoch, std::uint64_t position) noexcept {
        begin_.store(position, std::memory_order_relaxed);
        end_.store(position, std::memory_order_release);
        epoch_.store(epoch, std::memory_order_release);
    }

    // Append frames of two channels. What was written already is left as it is, and what there is
    // no room for is left out.
    //
    // Returns: how many frames from the first on are dealt with.
    std::size_t write(std::uint64_t position, const float* left, const float* right,
                      std::size_t count) noexcept {
        const std::uint64_t end = end_.load(std::memory_order_relaxed);
        const std::uint64_t floor = floor_.load(std::memory_order_acquire);
        const std::uint64_t limit = floor + size_;
        const std::uint64_t first = std::max(position, end);
        const std::uint64_t last = std::min<std::uint64_t>(position + count, limit);
        if (last <= first) return last < position + count ? 0 : count;
        if (position > end) begin_.store(position, std::memory_order_release);
        put(first, left + (first - position), 0, last - first);
        put(first, right + (first - position), 1, last - first);
        end_.store(last, std::memory_order_release);
        return static_cast<std::size_t>(last - position);
    }

    std::uint64_t floor() const noexcept { return floor_.load(std::memory_order_acquire); }

    // --- [reader] -------------------------------------------------------------------------------

    std::uint32_t epoch() const noexcept { return epoch_.load(std::memory_order_acquire); }
    std::uint64_t end() const noexcept { return end_.load(std::memory_order_acquire); }
    // Where the newest stretch begins; look at `end` before.
    std::uint64_t begin() const noexcept { return begin_.load(std::memory_order_acquire); }

    // Copy frames out; silence where none are. Look at `end` or `epoch` before.
    void read(std::uint64_t position, std::size_t count, float* left, float* right) const noexcept {
        const std::uint64_t end = end_.load(std::memory_order_acquire);
        const std::uint64_t begin = begin_.load(std::memory_order_acquire);
        const std::uint64_t first = std::clamp(begin, position, position + count);
        const std::uint64_t last = std::clamp(end, first, position + count);
        float* out[kChannels] = {left, right};
        for (int channel = 0; channel < kChannels; ++channel) {
            std::fill(out[channel], out[channel] + (first - position), 0.0f);
            if (last > first) get(first, out[channel] + (first - position), channel, last - first);
            std::fill(out[channel] + (last - position), out[channel] + count, 0.0f);
        }
    }

    // Promise not to read before a place any more; going back is ignored.
    void release(std::uint64_t position) noexcept {
        if (position > floor_.load(std::memory_order_relaxed))
            floor_.store(position, std::memory_order_release);
    }

  private:
    void put(std::uint64_t position, const float* in, int channel, std::uint64_t count) noexcept {
        const std::size_t at = static_cast<std::size_t>(position) & (size_ - 1);
        const std::size_t head = std::min<std::size_t>(count, size_ - at);
        float* row = samples_.get() + static_cast<std::size_t>(channel) * size_;
        std::memcpy(row + at, in, head * sizeof(float));
        std::memcpy(row, in + head, (count - head) * sizeof(float));
    }

    void get(std::uint64_t position, float* out, int channel, std::uint64_t count) const noexcept {
        const std::size_t at = static_cast<std::size_t>(position) & (size_ - 1);
        const std::size_t head = std::min<std::size_t>(count, size_ - at);
        const float* row = samples_.get() + static_cast<std::size_t>(channel) * size_;
        std::memcpy(out, row + at, head * sizeof(float));
        std::memcpy(out + head, row, (count - head) * sizeof(float));
    }

    std::size_t size_;
    std::unique_ptr<float[]> samples_;                 // [C][size]
    alignas(64) std::atomic<std::uint64_t> begin_{0};  // writer's
    std::atomic<std::uint64_t> end_{0};                // writer's
    std::atomic<std::uint32_t> epoch_{0};              // writer's
    alignas(64) std::atomic<std::uint64_t> floor_{0};  // reader's
};

}  // namespace antiphon
