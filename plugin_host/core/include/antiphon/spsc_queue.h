// A bounded queue of plain records from one thread to one other.
//
// Neither side waits, locks or allocates. A full queue refuses, and the caller decides what that
// means: it is part of the type.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <type_traits>

namespace antiphon {

template <typename T, std::size_t kSize>
class SpscQueue {
    static_assert((kSize & (kSize - 1)) == 0, "a power of two");
    static_assert(std::is_trivially_copyable_v<T>, "records are copied between threads");

  public:
    // [writer] False if it is full; nothing happened then.
    bool push(const T& record) noexcept {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_.load(std::memory_order_acquire) == kSize) return false;
        records_[tail & (kSize - 1)] = record;
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    // [reader] False if it is empty.
    bool pop(T& record) noexcept {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_.load(std::memory_order_acquire)) return false;
        record = records_[head & (kSize - 1)];
        head_.store(head + 1, std::memory_order_release);
        return true;
    }

  private:
    std::array<T, kSize> records_{};
    alignas(64) std::atomic<std::size_t> head_{0};
    alignas(64) std::atomic<std::size_t> tail_{0};
};

}  // namespace antiphon
