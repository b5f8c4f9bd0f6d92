// Takes: what is kept comes back bit for bit, at its place, also after the files are opened anew.

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "antiphon/take.h"
#include "antiphon/take_desk.h"
#include "scratch.h"

using namespace antiphon;
using antiphon::test::Scratch;

namespace {

struct Shelf {
    Scratch scratch;
    Shelf() { setenv("XDG_DATA_HOME", scratch.path.c_str(), 1); }
    ~Shelf() { unsetenv("XDG_DATA_HOME"); }
};

// Interleaved: i on the left, -i on the right, from `from` on.
std::vector<float> ramp(int from, int count) {
    std::vector<float> made;
    for (int i = from; i < from + count; ++i) made.push_back(i * 0.25f), made.push_back(i * -0.25f);
    return made;
}

struct Heard {
    std::vector<float> left, right;
};

Heard read(Take& take, std::int64_t place, std::size_t count) {
    Heard heard{std::vector<float>(count, 9.0f), std::vector<float>(count, 9.0f)};
    take.read(place, count, heard.left.data(), heard.right.data());
    return heard;
}

}  // namespace

TEST_CASE("take: what was heard comes back at its place, and silence round it") {
    Shelf shelf;
    Take take;
    std::string problem;
    REQUIRE(take.create(problem));
    CHECK(take.append(1000, ramp(1, 300).data(), 300));
    CHECK(take.append(1300, ramp(301, 200).data(), 200));
    const Heard heard = read(take, 990, 600);
    CHECK(heard.left[9] == 0.0f);
    CHECK(heard.left[10] == 0.25f);
    CHECK(heard.left[509] == 125.0f);
    CHECK(heard.right[509] == -125.0f);
    CHECK(heard.left[510] == 0.0f);
}

TEST_CASE("take: a newer stretch covers an older one, and places may lie before the song's start") {
    Shelf shelf;
    Take take;
    std::string problem;
    REQUIRE(take.create(problem));
    take.append(-100, ramp(0, 200).data(), 200);
    take.append(-50, ramp(1000, 100).data(), 100);
    const Heard heard = read(take, -100, 200);
    CHECK(heard.left[49] == 49 * 0.25f);
    CHECK(heard.left[50] == 1000 * 0.25f);
    CHECK(heard.left[149] == 1099 * 0.25f);
    CHECK(heard.left[150] == 150 * 0.25f);
}

TEST_CASE("take: opened by its name it is the same, bit for bit") {
    Shelf shelf;
    std::string problem, name;
    {
        Take take;
        REQUIRE(take.create(problem));
        name = take.name();
        take.append(48'000, ramp(7, 5000).data(), 5000);
        take.append(7, ramp(3, 100).data(), 100);
    }
    Take again;
    REQUIRE(again.open(name, problem));
    const Heard heard = read(again, 48'000, 5000);
    for (int i = 0; i < 5000; ++i) REQUIRE(heard.left[i] == (7 + i) * 0.25f);
    CHECK(read(again, 7, 100).right[99] == 102 * -0.25f);
}

TEST_CASE("take: names that are paths, and takes that are not there, are refused with a word") {
    Shelf shelf;
    Take take;
    std::string problem;
    for (const char* name : {"../secret", "/etc", "", "a/b", "20260101-120000-00000000"}) {
        CAPTURE(name);
        CHECK(!take.open(name, problem));
        CHECK(problem.find("is not on this machine") != std::string::npos);
        CHECK(!take.is_open());
    }
}

TEST_CASE("take: a file that was cut short is heard as far as it goes") {
    Shelf shelf;
    std::string problem, name;
    {
        Take take;
        REQUIRE(take.create(problem));
        name = take.name();
        take.append(0, ramp(1, 100).data(), 100);
    }
    const std::string path = Take::folder() + "/" + name + "/1.wav";
    REQUIRE(truncate(path.c_str(), 44 + 8 * 40 + 3) == 0);
    Take again;
    REQUIRE(again.open(name, problem));
    const Heard heard = read(again, 0, 100);
    CHECK(heard.left[39] == 10.0f);
    CHECK(heard.left[40] == 0.0f);
}

TEST_CASE("take desk: a start that is told after the note does not let unheard sound be recorded") {
    Shelf shelf;
    Exchange exchange;
    History history;
    TakeSlip slip;
    TakeDesk desk(exchange, history, slip);
    exchange.values[id::take].store(1.0f);
    SongPoint point;
    point.time.quarter = point.time.seconds = 0.0;
    point.time.bpm = 60.0;
    desk.follow(point);  // held ready from here on, while the host stands
    const std::vector<float> sound(20'000, 0.5f);
    desk.hear(0, sound.data(), sound.data(), sound.size());
    exchange.needed.store(0);
    desk.note();
    exchange.is_rolling.store(true);
    exchange.needed.store(12'000);  // the host begins at 9,600; its event comes only after this
    desk.record();
    desk.start(9'600);
    desk.note();
    exchange.is_rolling.store(false);
    desk.record();
    Take take;
    std::string problem;
    REQUIRE(take.open(slip.name(), problem));
    CHECK(read(take, 9'599, 1).left[0] == 0.0f);
    CHECK(read(take, 9'600, 1).left[0] == 0.5f);
    CHECK(read(take, 11'999, 1).left[0] == 0.5f);
    CHECK(read(take, 12'000, 1).left[0] == 0.0f);
}
