// Following the host's song: what was predicted is no news, a jump is, nonsense is not believed.

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "antiphon/song.h"

using namespace antiphon;

namespace {

HostTime at(double quarter, double bpm = 120.0) {
    HostTime time;
    time.has_transport = true;
    time.quarter = quarter;
    time.bpm = bpm;
    return time;
}

constexpr double kQuarter = 24000.0;  // link samples at 120 bpm

}  // namespace

TEST_CASE("song: a song that goes on as predicted is no news, in blocks of any size") {
    SongWatch watch;
    CHECK(watch.see(at(8.0), 0.0) == News::jumped);  // the first word
    for (const double sample : {1.0, 64.0, 481.0, 5000.0, 480000.0})
        CHECK(watch.see(at(8.0 + sample / kQuarter), sample) == News::none);
}

TEST_CASE("song: a locate is a jump, and from then on the new place is predicted") {
    SongWatch watch;
    watch.see(at(8.0), 0.0);
    CHECK(watch.see(at(32.0), 1000.0) == News::jumped);
    CHECK(watch.see(at(33.0), 1000.0 + kQuarter) == News::none);
}

TEST_CASE("song: a change of tempo is news, but no jump") {
    SongWatch watch;
    watch.see(at(0.0), 0.0);
    CHECK(watch.see(at(1.0, 126.0), kQuarter) == News::changed);
    CHECK(watch.see(at(2.0, 126.0), kQuarter + 60.0 / 126.0 * kLinkRate) == News::none);
}

TEST_CASE("song: a loop goes round without news") {
    SongWatch watch;
    HostTime time = at(6.0);
    time.loop = Loop{4.0, 8.0};
    watch.see(time, 0.0);
    time.quarter = 5.0;  // 3 quarters on: 6 -> 8 = 4 -> 5
    CHECK(watch.see(time, 3.0 * kQuarter) == News::none);
    time.quarter = 7.0;  // ten times round and 2 on
    CHECK(watch.see(time, (3.0 + 40.0 + 2.0) * kQuarter) == News::none);
}

TEST_CASE("song: the start of each bar is no news, another grid is") {
    SongWatch watch;
    HostTime time = at(0.0);
    time.signature = Signature{7, 8};
    time.bar_quarter = 0.0;
    watch.see(time, 0.0);
    time.quarter = 3.5;
    time.bar_quarter = 3.5;
    CHECK(watch.see(time, 3.5 * kQuarter) == News::none);
    time.bar_quarter = 3.0;
    CHECK(watch.see(time, 3.5 * kQuarter) == News::changed);
}

TEST_CASE(
    "song: while the stream stands still, a moved cursor is a jump and a resting one is not") {
    SongWatch watch;
    HostTime time = at(16.0);
    time.is_playing = false;
    watch.see(time, 500.0);
    CHECK(watch.see(time, 500.0) == News::none);
    time.quarter = 0.0;
    CHECK(watch.see(time, 500.0) == News::jumped);
    time.is_playing = true;  // play is pressed
    CHECK(watch.see(time, 500.0) == News::none);
    time.quarter = 1.0;
    CHECK(watch.see(time, 500.0 + kQuarter) == News::none);
}

TEST_CASE("song: what no song can be is not believed") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_FALSE(at(nan).checked().quarter);
    CHECK_FALSE(at(1e12).checked().quarter);
    for (const double bpm : {0.0, -120.0, 5000.0, nan}) {
        CHECK_FALSE(at(1.0, bpm).checked().bpm);
        CHECK_FALSE(at(1.0, bpm).checked().quarter);  // a place that does not move
    }
    HostTime time = at(1.0);
    time.signature = Signature{4, 3};
    time.loop = Loop{8.0, 8.0};
    CHECK_FALSE(time.checked().signature);
    CHECK_FALSE(time.checked().loop);
    CHECK(at(1.0).checked().quarter);
}

TEST_CASE("song: before its start the seconds follow the quarters where a host says 0") {
    HostTime time = at(-2.0);
    time.seconds = 0.0;
    CHECK(time.checked().seconds == -1.0);
    time.seconds = -0.75;  // a host that knows better
    CHECK(time.checked().seconds == -0.75);
    time.quarter = 2.0;
    time.seconds = 0.0;  // a song that begins with quarter 2
    CHECK(time.checked().seconds == 0.0);
    time.bpm = 0.0;
    time.quarter = -2.0;
    CHECK_FALSE(time.checked().seconds.has_value());
}

TEST_CASE("song: what is known roughly before its start is refined once, after it") {
    SongWatch watch;
    HostTime before = at(-1024.0 / kQuarter - 0.0004);  // in ticks
    before.seconds = 0.0;
    HostTime after = at(0.0);
    after.seconds = 0.0;
    watch.see(before.checked(), 0.0);
    CHECK(*watch.point().place_at(1024.0) != 0);
    CHECK(watch.see(after.checked(), 1024.0) == News::refined);
    CHECK(*watch.point().place_at(1024.0) == 0);
    after.quarter = 1024.0 / kQuarter;
    after.seconds = 1024.0 / 48000.0;
    CHECK(watch.see(after.checked(), 2048.0) == News::none);
}

TEST_CASE("song: a block that ends where the song starts tells how long before it began") {
    HostTime time = at(-60.0 / 1920.0);  // 750 samples, as far as ticks can tell
    time.seconds = 0.0;
    const HostTime exact = time.checked().ending_at_start(752.0 / 48000.0);
    CHECK(*exact.seconds == -752.0 / 48000.0);
    CHECK_FALSE(exact.is_rough);
    CHECK(time.checked().ending_at_start(1024.0 / 48000.0).is_rough);  // goes on beyond it
    time.seconds = -0.015;
    CHECK(*time.checked().ending_at_start(0.0155).seconds == -0.015);  // known, and believed
}
