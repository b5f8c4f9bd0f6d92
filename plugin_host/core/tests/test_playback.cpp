// Playback: whole at any rate and block size, exact at equal rates, and never a click.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "antiphon/ceiling.h"
#include "antiphon/playback.h"

using namespace antiphon;

namespace {

constexpr double kPi = 3.14159265358979323846;

using Signal = float (*)(std::uint64_t);

float ramp(std::uint64_t place) { return 0.5f * static_cast<float>(place % 65536) / 65536.0f; }
float tone(std::uint64_t place) {
    return static_cast<float>(0.5 *
                              std::sin(2.0 * kPi * 997.0 * static_cast<double>(place) / kLinkRate));
}
float one(std::uint64_t) { return 0.5f; }

// Keeps a ring filled, and plays from it.
struct Player {
    FrameRing ring{17};
    Playback playback{ring};
    Signal signal;
    std::uint64_t made = 0;

    Player(Signal signal, std::uint32_t rate) : signal(signal) {
        playback.prepare(rate);
        ring.begin_epoch(1, 0);
        playback.await(1);
    }

    void make(std::uint64_t until) {
        std::vector<float> left, right;
        for (std::uint64_t at = made; at < until; ++at) {
            left.push_back(signal(at));
            right.push_back(-signal(at));
        }
        if (until > made) made += ring.write(made, left.data(), right.data(), left.size());
    }

    std::vector<float> play(std::size_t count, bool is_fed = true) {
        if (is_fed) make(playback.needed_until(count));
        std::vector<float> left(count), right(count);
        float* out[] = {left.data(), right.data()};
        playback.play(out, count);
        for (std::size_t i = 0; i < count; ++i) CHECK(right[i] == doctest::Approx(-left[i]));
        return left;
    }
};

float steepest(const std::vector<float>& samples) {
    float most = 0.0f;
    for (std::size_t i = 1; i < samples.size(); ++i)
        most = std::max(most, std::fabs(samples[i] - samples[i - 1]));
    return most;
}

void append(std::vector<float>& all, const std::vector<float>& more) {
    all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

TEST_CASE("playback: at the link's own rate every sample is the link's, bit for bit") {
    Player player(ramp, kLinkRate);
    std::vector<float> all;
    for (const std::size_t block : {1u, 64u, 65u, 441u, 512u, 7u, 500u})
        append(all, player.play(block));
    int faults = 0;
    for (std::size_t i = 60; i < all.size(); ++i)
        faults += all[i] != ramp(i);  // behind the fade-in
    CHECK(faults == 0);
}

TEST_CASE("playback: at any rate, whatever the blocks are, the samples are the same") {
    for (const std::uint32_t rate :
         {8000u, 22050u, 44100u, 44099u, 88200u, 96000u, 192000u, 384000u}) {
        CAPTURE(rate);
        Player whole(tone, rate), parts(tone, rate);
        std::vector<float> a, b;
        for (int i = 0; i < 8; ++i) append(a, whole.play(512));
        std::minstd_rand dice(rate);
        while (b.size() < a.size())
            append(b, parts.play(std::min<std::size_t>(1 + dice() % 300, a.size() - b.size())));
        CHECK(a == b);
    }
}

TEST_CASE("playback: a tone stays the tone it was, in place, at every rate") {
    for (const std::uint32_t rate : {22050u, 44100u, 44099u, 48000u, 88200u, 96000u, 192000u}) {
        CAPTURE(rate);
        Player player(tone, rate);
        std::vector<float> all;
        for (int i = 0; i < 40; ++i) append(all, player.play(512));
        double worst = 0.0;
        for (std::size_t i = all.size() / 4; i < all.size(); ++i)
            worst =
                std::max(worst, std::fabs(all[i] - 0.5 * std::sin(2.0 * kPi * 997.0 *
                                                                  static_cast<double>(i) / rate)));
        CHECK(20.0 * std::log10(worst / 0.5) < -95.0);  // dB, against the ideal tone without delay
    }
}

TEST_CASE("playback: when sound runs out it fades, and comes back at its own place in time") {
    for (const std::uint32_t rate : {kLinkRate, 44100u}) {
        CAPTURE(rate);
        Player player(one, rate);
        std::vector<float> all;
        for (int i = 0; i < 20; ++i) append(all, player.play(333));
        for (int i = 0; i < 10; ++i) append(all, player.play(333, false));  // the engine is late
        CHECK(player.playback.underruns() == 1);
        CHECK(all.back() == 0.0f);
        for (int i = 0; i < 20; ++i) append(all, player.play(333));
        CHECK(player.playback.underruns() == 1);
        CHECK(all.back() == doctest::Approx(0.5f));
        all.erase(all.begin(),
                  all.begin() + 100);  // the fade-in at the start is steeper, on purpose
        CHECK(steepest(all) < 0.5f / 100.0f);
    }
}

TEST_CASE("playback: a ramp after a gap is where it would have been without the gap") {
    Player player(ramp, kLinkRate);
    for (int i = 0; i < 10; ++i) player.play(512);
    for (int i = 0; i < 10; ++i) player.play(512, false);
    player.made = player.playback.next_link();  // the engine leaves out what came too late
    player.play(512);
    const std::uint64_t host = player.playback.host();
    const std::vector<float> back = player.play(512);
    CHECK(back[0] == ramp(host));
    CHECK(back[511] == ramp(host + 511));
}

TEST_CASE("playback: stopping fades without going on, and starting again misses nothing") {
    Player player(ramp, kLinkRate);
    for (int i = 0; i < 10; ++i) player.play(512);
    const std::uint64_t stopped = player.playback.host();
    player.make(player.playback.needed_until(512));
    std::vector<float> left(512), right(512);
    float* out[] = {left.data(), right.data()};
    player.playback.rest(out, 512);
    CHECK(left[0] == doctest::Approx(ramp(stopped)).epsilon(0.02));
    CHECK(left[160] == 0.0f);
    CHECK(player.playback.host() == stopped);
    player.playback.rest(out, 512);
    CHECK(*std::max_element(left.begin(), left.end()) == 0.0f);
    const std::vector<float> again = player.play(512);
    CHECK(again[60] == ramp(stopped + 60));
}

TEST_CASE("playback: nothing of before an epoch sounds once a new one is awaited") {
    Player player(one, kLinkRate);
    for (int i = 0; i < 10; ++i) player.play(512);
    player.make(player.playback.needed_until(4096));
    player.playback.await(2);
    std::vector<float> end(512), right(512);
    float* out[] = {end.data(), right.data()};
    player.playback.rest(out, 512);
    CHECK(end[0] == doctest::Approx(0.5).epsilon(0.02));
    CHECK(steepest(end) < 0.01f);
    CHECK(end[144] == 0.0f);
    player.playback.skip(9600);
    CHECK(player.play(512, false)[511] == 0.0f);
    player.ring.begin_epoch(2, player.playback.next_link());
    player.made = player.playback.next_link();
    player.play(512);
    CHECK(player.play(512)[511] == 0.5f);
}

TEST_CASE("playback: a change of the host's rate goes on at the same place") {
    Player player(ramp, 44100);
    for (int i = 0; i < 10; ++i) player.play(441);
    const double before = player.playback.position();
    player.playback.prepare(96000);
    CHECK(player.playback.position() >= before);
    CHECK(player.playback.position() - before < 1.0);
    player.play(512);
    CHECK(player.play(512)[500] > 0.0f);
}

TEST_CASE("ceiling: quiet samples pass bit for bit, loud ones stay below full scale") {
    CHECK(ceiling(0.79f) == 0.79f);
    CHECK(ceiling(-0.79f) == -0.79f);
    float before = 0.0f;
    for (float x = 0.0f; x < 20.0f; x += 0.01f) {
        CHECK(ceiling(x) >= before);
        CHECK(ceiling(x) < 1.0f);
        before = ceiling(x);
    }
    CHECK(ceiling(std::nanf("")) == 0.0f);
    CHECK(ceiling(INFINITY) == 0.0f);
}
