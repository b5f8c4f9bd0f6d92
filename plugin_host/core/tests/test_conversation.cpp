// A conversation with a fake engine, without sockets or threads: time is a number.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "antiphon/conversation.h"
#include "fake_engine.h"

using namespace antiphon;
using antiphon::test::FakeEngine;
using antiphon::test::sound_left;
using antiphon::test::sound_right;

namespace {

// Both ends of the talk, and the post between them.
struct Room final : Sender {
    Exchange exchange;
    Wishes wishes;
    ReportBoard board;
    Memory memory;
    std::deque<std::string> to_plugin, sound_to_plugin;
    FakeEngine engine{
        [this](const std::string&, const std::string& part) { to_plugin.push_back(part); },
        [this](const std::string&, const std::string& part) { sound_to_plugin.push_back(part); },
        "tcp://fake"};
    std::unique_ptr<Conversation> talk;
    double now = 100.0;
    bool is_there = true;
    double way_seconds = 0.0;  // that a message takes from the plugin to the engine
    std::deque<std::pair<double, std::function<void()>>> under_way;
    std::uint32_t epochs = 0;
    std::string audio_endpoint;

    Room() {
        memory.client = "plugin-test";
        begin();
    }

    void begin() {
        to_plugin.clear(), sound_to_plugin.clear();
        talk = std::make_unique<Conversation>(exchange, wishes, board, memory, *this, nullptr, now);
    }

    bool send_control(const std::string& part) override {
        post([this, part] { engine.take_control("c", part); });
        return true;
    }
    bool send_audio(const void* part, std::size_t size) override {
        const std::string copy(static_cast<const char*>(part), size);
        post([this, copy] { engine.take_audio("a", copy); });
        return true;
    }
    void post(std::function<void()> arrive) {
        if (!is_there) return;
        if (way_seconds == 0.0) return arrive();
        under_way.emplace_back(now + way_seconds, std::move(arrive));
    }
    void connect_audio(const std::string& endpoint) override { audio_endpoint = endpoint; }

    void pass(double seconds) {
        for (const double end = now + seconds; now < end; now += 0.005) {
            for (; !under_way.empty() && under_way.front().first <= now; under_way.pop_front())
                under_way.front().second();
            while (!to_plugin.empty()) {
                const std::string part = to_plugin.front();
                to_plugin.pop_front();
                talk->take_control(part, now);
            }
            while (!sound_to_plugin.empty()) {
                const std::string part = sound_to_plugin.front();
                sound_to_plugin.pop_front();
                talk->take_audio(part.data(), part.size(), now);
            }
            talk->turn(now);
            if (is_there) engine.pump();
        }
    }

    void want_epoch(double sample, double quarter, bool is_fresh = true) {
        Event event;
        event.kind = Event::Kind::epoch;
        event.epoch = ++epochs;
        event.is_fresh = is_fresh;
        event.point.sample = sample;
        event.point.time.has_transport = true;
        event.point.time.quarter = quarter;
        event.point.time.bpm = 120.0;
        exchange.events.push(event);
    }

    void want_sound(std::uint64_t needed, std::uint64_t wanted) {
        exchange.needed = needed;
        exchange.wanted = wanted;
        exchange.sound.release(needed);
    }

    bool has_heard(const std::string& piece) {
        return std::any_of(
            engine.log.commands.begin(), engine.log.commands.end(),
            [&](const std::string& one) { return one.find(piece) != std::string::npos; });
    }

    // How many of so many samples from a place on are not the engine's samples from `e` on.
    int wrong(std::uint64_t place, std::uint64_t e, std::size_t count) {
        std::vector<float> left(count), right(count);
        exchange.sound.read(place, count, left.data(), right.data());
        int faults = 0;
        for (std::size_t i = 0; i < count; ++i) faults += left[i] != sound_left(e + i);
        return faults;
    }
};

}  // namespace

TEST_CASE("conversation: nothing is said before the stream has a beginning") {
    Room room;
    room.pass(1.0);
    CHECK(room.engine.log.hellos.empty());
}

TEST_CASE("conversation: hello, welcome, and sound as far as there is credit") {
    Room room;
    room.want_epoch(0, 8.0);
    room.want_sound(0, 4800);
    room.pass(0.5);
    CHECK(room.talk->phase() == Conversation::Phase::playing);
    CHECK(room.audio_endpoint == "tcp://fake");
    CHECK(room.exchange.sound.epoch() == 1);
    CHECK(room.exchange.sound.end() == 4800);
    CHECK(room.wrong(0, 0, 4800) == 0);
    float left = 0, right = 0;
    room.exchange.sound.read(4000, 1, &left, &right);
    CHECK(right == doctest::Approx(sound_right(8.0 + 4000.0 / 24000.0)));
    CHECK(room.board.copy().engine.key == "D minor");
    CHECK(room.exchange.is_linked);
}

TEST_CASE(
    "conversation: prompts and values are told before the first sample, and then only changes") {
    Room room;
    room.wishes.set_prompt(0, "slow dub");
    room.exchange.values[id::density] = 0.25f;
    room.want_epoch(0, 0.0);
    room.want_sound(0, 480);
    room.pass(1.0);
    CHECK(room.has_heard("slow dub"));
    CHECK(room.has_heard("density"));
    const std::size_t told = room.engine.log.commands.size();
    room.pass(1.0);
    CHECK(room.engine.log.commands.size() == told);
    room.exchange.values[id::density] = 0.5f;
    room.pass(0.1);
    CHECK(room.engine.log.commands.size() == told + 1);
}

TEST_CASE("conversation: a new session begins with all settings, before its first frame") {
    Room room;
    room.wishes.set_prompt(0, "slow dub");
    room.exchange.values[id::density] = 0.25f;
    room.want_epoch(0, 0.0);
    room.pass(0.5);
    REQUIRE(room.engine.log.whens.size() == 2);
    CHECK(room.engine.log.whens[0] == "hello");
    CHECK(room.engine.log.whens[1] == "hello");
}

TEST_CASE("conversation: one setting that the engine does not take keeps none of the others out") {
    Room room;
    room.engine.refused_text = "unreadable";
    room.wishes.set_prompt(0, "unreadable");
    room.wishes.set_prompt(1, "slow dub");
    room.want_epoch(0, 0.0);
    room.pass(0.5);
    CHECK(room.talk->phase() == Conversation::Phase::playing);
    CHECK(room.has_heard("slow dub"));
    CHECK_FALSE(room.board.copy().remarks.empty());
}

TEST_CASE("conversation: no credit is given before all that was asked for is obeyed") {
    Room room;
    room.want_epoch(0, 0.0);
    room.pass(0.5);
    room.engine.acks = false;
    room.wishes.set_prompt(0, "slow dub");
    room.want_epoch(0, 0.0, false);
    room.want_sound(0, 480);
    const int credits = room.engine.log.credits;
    room.pass(1.0);
    CHECK(room.engine.log.credits == credits);
    room.pass(2.0);  // but not for ever
    CHECK(room.engine.log.credits > credits);
}

TEST_CASE("conversation: switches wait for the bar if the player says so, numbers do not") {
    Room room;
    room.want_epoch(0, 0.0);
    room.pass(0.5);
    room.exchange.is_rolling = true;
    room.exchange.values[id::quantise] = 2.0f;
    room.wishes.set_prompt(1, "drum and bass");
    room.exchange.values[id::temperature] = 0.5f;
    Event pick;
    pick.kind = Event::Kind::pick;
    pick.number = 2;
    room.exchange.events.push(pick);
    room.pass(0.1);
    for (std::size_t i = 0; i < room.engine.log.commands.size(); ++i) {
        CAPTURE(room.engine.log.commands[i]);
        const bool is_number = room.engine.log.commands[i].find("param") != std::string::npos;
        CHECK(room.engine.log.whens[i] == (is_number ? "now" : "bar"));
    }
    CHECK(room.exchange.picked == 2);
    CHECK(room.exchange.values[id::weight_2] == 1.0f);
    CHECK(room.exchange.values[id::weight_1] == 0.0f);
    CHECK_FALSE(room.has_heard("weight"));
}

TEST_CASE("conversation: a fresh epoch begins the music anew, so that it can be played again") {
    Room room;
    room.want_epoch(0, 16.0);
    room.want_sound(0, 4800);
    room.pass(0.5);
    room.want_epoch(1000, 16.0);
    room.want_sound(1000, 6000);
    room.pass(0.5);
    CHECK(room.engine.log.hellos.size() == 2);
    CHECK(room.engine.log.hellos[0] != room.engine.log.hellos[1]);
    CHECK(room.engine.log.byes == 1);
    CHECK(room.wrong(1000, 0, 5000) == 0);
    float left = 0, right = 0;
    room.exchange.sound.read(1000, 1, &left, &right);
    CHECK(right == doctest::Approx(sound_right(16.0)));
}

TEST_CASE("conversation: an epoch that is not fresh goes on in the same session") {
    Room room;
    room.want_epoch(0, 0.0);
    room.want_sound(0, 4800);
    room.pass(0.5);
    room.want_epoch(1000, 32.0, false);
    room.want_sound(1000, 6000);
    room.pass(0.5);
    CHECK(room.engine.log.hellos[0] == room.engine.log.hellos[1]);
    CHECK(room.wrong(1000, 4800, 5000) == 0);  // the engine's own count went on
}

TEST_CASE("conversation: a dragged playhead is followed when it rests") {
    Room room;
    room.want_epoch(0, 0.0);
    room.pass(0.5);
    const std::size_t hellos = room.engine.log.hellos.size();
    for (int i = 0; i < 20; ++i) {
        room.want_epoch(0, i);
        room.pass(0.02);
    }
    CHECK(room.engine.log.hellos.size() == hellos);
    room.pass(0.2);
    CHECK(room.engine.log.hellos.size() == hellos + 1);
    CHECK(room.engine.log.quarters.back() == 19.0);
}

TEST_CASE("conversation: offline, credit waits until the engine has read what was said before") {
    Room room;
    room.want_epoch(0, 0.0);
    room.exchange.is_offline = room.exchange.is_rolling = true;
    room.want_sound(0, 512);
    room.pass(0.1);
    CHECK(room.exchange.sound.end() == 512);                  // no more than asked for
    CHECK(room.engine.log.waits == room.engine.log.credits);  // nothing is late
    const int beats = room.engine.log.heartbeats;
    room.exchange.values[id::density] = 0.75f;
    room.want_sound(512, 1024);
    room.pass(0.05);
    CHECK(room.engine.log.heartbeats > beats);
    CHECK(room.exchange.sound.end() == 1024);
}

TEST_CASE(
    "conversation: a session that the engine lost is opened again, with all that was asked for") {
    Room room;
    room.wishes.set_prompt(3, "lost and found");
    room.want_epoch(0, 4.0);
    room.want_sound(0, 4800);
    room.pass(0.5);
    room.engine.sessions.clear();
    room.engine.log = {};
    room.want_sound(2400, 9600);
    room.is_there = false;
    room.pass(1.5);
    CHECK(room.talk->phase() == Conversation::Phase::over);
    CHECK(room.talk->end_reason() == "The engine fell silent.");
    room.is_there = true;
    room.begin();
    room.pass(0.5);
    CHECK(room.talk->phase() == Conversation::Phase::playing);
    CHECK(room.has_heard("lost and found"));
    CHECK(room.engine.log.hello_samples.back() >= 4800);
    CHECK(room.exchange.sound.end() >= 9600);
    const std::uint64_t back = room.exchange.sound.begin();  // at its own place in the song
    float left = 0, right = 0;
    room.exchange.sound.read(back, 1, &left, &right);
    CHECK(right == doctest::Approx(sound_right(4.0 + static_cast<double>(back) / 24000.0)));
}

TEST_CASE("conversation: refusals are shown, and retried where that makes sense") {
    for (const char* code : {"capacity", "opening", "busy"}) {
        CAPTURE(code);
        Room room;
        room.engine.refuse_code = code;
        room.want_epoch(0, 0.0);
        room.pass(0.5);
        CHECK(room.board.copy().reason == "no, because of a test");
        room.engine.refuse_code.clear();
        room.pass(2.0);
        CHECK(room.talk->phase() == Conversation::Phase::playing);
        CHECK(room.board.copy().reason.empty());
    }
}

TEST_CASE("conversation: an engine of another version is left alone, with the reason") {
    Room room;
    room.engine.protocol = 2;
    room.want_epoch(0, 0.0);
    room.pass(0.1);
    CHECK(room.talk->phase() == Conversation::Phase::over);
    CHECK(room.talk->is_refused());
    CHECK(room.talk->end_reason() ==
          "The engine speaks protocol 2, expected 1. Update the older one.");
}

TEST_CASE("conversation: input goes out in listening modes only, at its own place") {
    Room room;
    room.want_epoch(0, 0.0);
    room.pass(0.5);
    std::vector<float> played(2000, 0.25f);
    room.exchange.input.write(0, played.data(), played.data(), played.size());
    room.pass(0.1);
    CHECK(room.engine.log.input.empty());
    room.exchange.values[id::mode] = 3.0f;
    room.exchange.input.write(2000, played.data(), played.data(), played.size());
    room.pass(0.1);
    REQUIRE_FALSE(room.engine.log.input.empty());
    CHECK(room.engine.log.input_at.front() == 2000);
    CHECK(room.engine.log.input.size() >= 1920);
    CHECK(room.engine.log.input.front() == 0.25f);
}

TEST_CASE("conversation: damaged messages are counted and dropped, and the talk goes on") {
    Room room;
    room.want_epoch(0, 0.0);
    room.want_sound(0, 4800);
    room.pass(0.5);
    room.engine.sends_nonsense = true;
    for (int i = 1; i < 200; ++i) {
        room.want_sound(0, 4800 + 50 * i);
        room.pass(0.01);
    }
    CHECK(room.board.copy().bad_messages + room.board.copy().stale_messages > 10);
    CHECK(room.talk->phase() == Conversation::Phase::playing);
}

TEST_CASE("conversation: notes reach the engine while it listens to us") {
    Room room;
    room.want_epoch(0, 0.0);
    room.pass(0.5);
    Event note;
    note.kind = Event::Kind::note_on;
    note.number = 60;
    room.exchange.events.push(note);
    note.kind = Event::Kind::note_off;
    room.exchange.events.push(note);
    room.pass(0.05);
    CHECK(room.has_heard("note_on"));
    CHECK(room.has_heard("note_off"));
}

TEST_CASE("conversation: hello says where the song is, so that the first frame is at its place") {
    Room room;
    room.want_epoch(4800.5, 8.0);
    room.want_sound(4800, 9600);
    room.pass(0.5);
    REQUIRE(room.engine.log.hello_quarters.size() == 1);
    CHECK(room.engine.log.hello_samples[0] == 4801);
    CHECK(room.engine.log.hello_quarters[0] == doctest::Approx(8.0 + 0.5 / 24'000.0));
}

TEST_CASE("conversation: a refusal meant for the session before does not undo the new one") {
    Room room;
    room.want_epoch(0, 8.0);
    room.want_sound(0, 4800);
    room.pass(0.5);
    room.exchange.is_offline = true;
    room.want_epoch(4800, 8.0);
    room.want_sound(4800, 4801);
    room.pass(0.1);
    REQUIRE(room.engine.log.hellos.size() == 2);
    room.sound_to_plugin.push_back(
        R"({"type":"refuse","code":"unknown","text":"no such key","about":"audio"})");
    room.want_sound(4800, 9600);
    room.pass(0.5);
    CHECK(room.engine.log.hellos.size() == 2);
    CHECK(room.exchange.sound.end() == 9600);
    CHECK(room.wrong(4800, 0, 4800) == 0);
}

TEST_CASE("conversation: offline, a session that was lost goes on where its sound ended") {
    Room room;
    room.exchange.is_offline = true;
    room.want_epoch(0, 8.0);
    room.want_sound(0, 4800);
    room.pass(0.5);
    room.want_sound(4700, 4800);
    room.sound_to_plugin.push_back(
        R"({"type":"refuse","code":"hello_first","text":"","about":"heartbeat"})");
    room.pass(0.1);
    REQUIRE(room.engine.log.hello_samples.size() == 2);
    CHECK(room.engine.log.hello_samples.back() == 4800);
}

TEST_CASE("conversation: an engine so slow that hello is said again is not greeted for ever") {
    Room room;
    room.engine.park_ms = 10'000;
    room.way_seconds = 2.2;
    room.want_epoch(0, 8.0);
    room.want_sound(0, 4800);
    room.exchange.is_offline = true;
    room.pass(20.0);
    CHECK(room.talk->phase() == Conversation::Phase::playing);
    CHECK(room.exchange.sound.end() == 4800);
    CHECK(room.engine.log.hellos.size() < 4);
}
