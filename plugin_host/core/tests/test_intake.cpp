// Intake: what is played into the plugin reaches the link whole, at its own place.

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "antiphon/intake.h"

using namespace antiphon;

namespace {

constexpr double kPi = 3.14159265358979323846;

float tone(std::uint64_t place, double rate) {
    return static_cast<float>(0.5 *
                              std::sin(2.0 * kPi * 997.0 * static_cast<double>(place) / rate));
}

// Feed `total` host samples in blocks of at most `largest`; return all link samples from `base` on.
std::vector<float> feed(std::uint32_t rate, std::uint64_t base, std::uint64_t total,
                        unsigned largest) {
    FrameRing ring(17);
    ring.release(base);
    Intake intake(ring);
    intake.prepare(Axis::at(base, rate), rate);
    std::minstd_rand dice(largest);
    for (std::uint64_t at = 0; at < total;) {
        const std::size_t count = std::min<std::uint64_t>(1 + dice() % largest, total - at);
        std::vector<float> samples(count);
        for (std::size_t i = 0; i < count; ++i) samples[i] = tone(at + i, rate);
        const float* in[] = {samples.data(), samples.data()};
        intake.take(at, in, count);
        at += count;
    }
    std::vector<float> left(static_cast<std::size_t>(ring.end() - base)), right(left.size());
    ring.read(base, left.size(), left.data(), right.data());
    return left;
}

}  // namespace

TEST_CASE("intake: equal rates pass bit for bit") {
    const std::vector<float> got = feed(kLinkRate, 5000, 3000, 512);
    REQUIRE(got.size() == 3000);
    int faults = 0;
    for (std::size_t i = 0; i < got.size(); ++i) faults += got[i] != tone(i, kLinkRate);
    CHECK(faults == 0);
}

TEST_CASE("intake: at any rate a tone is at its place, whatever the blocks are") {
    for (const std::uint32_t rate : {8000u, 22050u, 44100u, 44099u, 96000u, 384000u}) {
        CAPTURE(rate);
        const std::uint64_t total = rate / 4;
        const std::vector<float> got = feed(rate, 777, total, 512);
        CHECK(got == feed(rate, 777, total, 37));
        const double expected = static_cast<double>(total) * kLinkRate / rate;
        CHECK(static_cast<double>(got.size()) <= expected + 1);
        CHECK(static_cast<double>(got.size()) > expected - 500);  // the filter's look ahead
        double worst = 0.0;
        for (std::size_t i = got.size() / 4; i < got.size(); ++i)
            worst = std::max(worst, std::fabs(double{got[i]} - tone(i, kLinkRate)));
        CHECK(20.0 * std::log10(worst / 0.5) < -90.0);
    }
}

TEST_CASE("intake: damage in the input is silence") {
    FrameRing ring(12);
    Intake intake(ring);
    intake.prepare(Axis::at(0, kLinkRate), kLinkRate);
    const float bad[] = {0.5f, NAN, INFINITY, 0.25f};
    const float* in[] = {bad, bad};
    intake.take(0, in, 4);
    float left[4], right[4];
    ring.read(0, 4, left, right);
    CHECK(left[0] == 0.5f);
    CHECK(left[1] == 0.0f);
    CHECK(left[2] == 0.0f);
    CHECK(left[3] == 0.25f);
}

TEST_CASE("intake: when the stream went on without it, it begins anew at the right place") {
    FrameRing ring(12);
    Intake intake(ring);
    intake.prepare(Axis::at(0, kLinkRate), kLinkRate);
    const float some[] = {0.1f, 0.2f};
    const float* in[] = {some, some};
    intake.take(0, in, 2);
    intake.take(100, in, 2);
    CHECK(ring.begin() == 100);
    CHECK(ring.end() == 102);
}
