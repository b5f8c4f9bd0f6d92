// The ring, the queue and the mailbox: between two threads, nothing is lost, torn or repeated.

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "antiphon/frame_ring.h"
#include "antiphon/mailbox.h"
#include "antiphon/spsc_queue.h"

using namespace antiphon;

namespace {

float left_of(std::uint64_t place) { return static_cast<float>(place % 100003); }
float right_of(std::uint64_t place) { return -left_of(place); }

std::size_t write_from(FrameRing& ring, std::uint64_t place, std::size_t count) {
    std::vector<float> left(count), right(count);
    for (std::size_t i = 0; i < count; ++i)
        left[i] = left_of(place + i), right[i] = right_of(place + i);
    return ring.write(place, left.data(), right.data(), count);
}

int wrong(const FrameRing& ring, std::uint64_t place, std::size_t count) {
    std::vector<float> left(count), right(count);
    ring.read(place, count, left.data(), right.data());
    int faults = 0;
    for (std::size_t i = 0; i < count; ++i)
        faults += left[i] != left_of(place + i) || right[i] != right_of(place + i);
    return faults;
}

}  // namespace

TEST_CASE("ring: frames are found at their own place, also round the end of the memory") {
    FrameRing ring(6);
    ring.release(1000);
    for (std::uint64_t place = 1000; place < 2000; place += 13) {
        CHECK(write_from(ring, place, 13) == 13);
        CHECK(wrong(ring, place, 13) == 0);
        ring.release(place + 13);
    }
}

TEST_CASE("ring: what the reader may still read is never overwritten") {
    FrameRing ring(6);
    CHECK(write_from(ring, 0, 60) == 60);
    CHECK(write_from(ring, 60, 10) == 4);
    CHECK(write_from(ring, 64, 6) == 0);
    CHECK(wrong(ring, 0, 64) == 0);
    ring.release(6);
    CHECK(write_from(ring, 64, 6) == 6);
    CHECK(wrong(ring, 6, 64) == 0);
}

TEST_CASE("ring: what came twice is taken once, and behind a gap the stretch begins anew") {
    FrameRing ring(8);
    write_from(ring, 0, 50);
    CHECK(write_from(ring, 40, 20) == 20);
    CHECK(ring.end() == 60);
    CHECK(write_from(ring, 100, 10) == 10);
    CHECK(ring.begin() == 100);
    float left[20], right[20];
    ring.read(95, 20, left, right);
    CHECK(left[4] == 0.0f);
    CHECK(left[5] == left_of(100));
    CHECK(left[15] == 0.0f);
}

TEST_CASE("ring: an epoch forgets all there is, and may begin before what was read") {
    FrameRing ring(8);
    write_from(ring, 0, 100);
    ring.begin_epoch(7, 60);
    CHECK(ring.epoch() == 7);
    CHECK(ring.end() == 60);
    float left[20], right[20];
    ring.read(50, 20, left, right);
    CHECK(std::count(left, left + 20, 0.0f) == 20);
    ring.begin_epoch(8, 90);  // ahead of what is known
    CHECK(ring.begin() == 90);
    ring.release(200);
    ring.begin_epoch(9, 160);
    CHECK(write_from(ring, 160, 80) == 80);
    CHECK(wrong(ring, 160, 80) == 0);
}

TEST_CASE("ring: two threads, a million frames in blocks of any size") {
    FrameRing ring(12);
    constexpr std::uint64_t kFrames = 1'000'000;
    std::thread writer([&] {
        std::minstd_rand dice(1);
        for (std::uint64_t place = 0; place < kFrames;) {
            const std::size_t count = std::min<std::uint64_t>(1 + dice() % 700, kFrames - place);
            const std::size_t dealt = write_from(ring, place, count);
            if (dealt == 0) std::this_thread::yield();
            place += dealt;
        }
    });
    std::minstd_rand dice(2);
    int faults = 0;
    for (std::uint64_t place = 0; place < kFrames;) {
        const std::size_t ready = static_cast<std::size_t>(ring.end() - place);
        const std::size_t count = std::min<std::size_t>(ready, 1 + dice() % 900);
        if (count == 0) std::this_thread::yield();
        faults += wrong(ring, place, count);
        place += count;
        ring.release(place);
    }
    writer.join();
    CHECK(faults == 0);
}

TEST_CASE("queue: records arrive in order, and a full queue says so") {
    SpscQueue<int, 8> queue;
    for (int i = 0; i < 8; ++i) CHECK(queue.push(i));
    CHECK_FALSE(queue.push(8));
    int record = -1;
    CHECK(queue.pop(record));
    CHECK(record == 0);
    CHECK(queue.push(8));
    while (queue.pop(record)) {
    }
    CHECK(record == 8);
}

TEST_CASE("queue: two threads, nothing lost or out of order") {
    SpscQueue<int, 64> queue;
    std::thread writer([&] {
        for (int i = 0; i < 200'000;)
            if (queue.push(i))
                ++i;
            else
                std::this_thread::yield();
    });
    int next = 0, faults = 0, record = 0;
    while (next < 200'000) {
        if (!queue.pop(record)) {
            std::this_thread::yield();
            continue;
        }
        faults += record != next++;
    }
    writer.join();
    CHECK(faults == 0);
}

TEST_CASE("mailbox: the newest record is whole, and never older than the last one") {
    struct Pair {
        long a = 0, b = 0;
    };
    Mailbox<Pair> box;
    std::atomic<bool> is_done{false};
    std::thread writer([&] {
        for (long i = 1; i <= 300'000; ++i) box.post({i, -i});
        is_done = true;
    });
    long last = 0;
    int faults = 0;
    while (!is_done) {
        const Pair found = box.fetch();
        faults += found.a != -found.b || found.a < last;
        last = found.a;
    }
    writer.join();
    CHECK(faults == 0);
    CHECK(box.fetch().a == 300'000);
}
