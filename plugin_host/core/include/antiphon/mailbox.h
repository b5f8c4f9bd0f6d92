// A mailbox with room for one record: the newest replaces what was not fetched.
//
// One thread posts, one fetches; neither waits, locks or allocates. Three places take turns, so
// that a record is never read while it is written.

#pragma once

#include <array>
#include <atomic>
#include <type_traits>

namespace antiphon {

template <typename T>
class Mailbox {
    static_assert(std::is_trivially_copyable_v<T>, "records are copied between threads");

  public:
    // [writer]
    void post(const T& record) noexcept {
        places_[mine_] = record;
        mine_ = middle_.exchange(mine_ | kNew, std::memory_order_acq_rel) & kPlace;
    }

    // [reader] The newest record; the same one again if there is no newer.
    const T& fetch() noexcept {
        if (middle_.load(std::memory_order_relaxed) & kNew)
            theirs_ = middle_.exchange(theirs_, std::memory_order_acq_rel) & kPlace;
        return places_[theirs_];
    }

  private:
    static constexpr unsigned kPlace = 3, kNew = 4;

    std::array<T, 3> places_{};
    unsigned mine_ = 0, theirs_ = 1;
    std::atomic<unsigned> middle_{2};
};

}  // namespace antiphon
