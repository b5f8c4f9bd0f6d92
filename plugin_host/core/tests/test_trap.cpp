// The audio thread's path: no allocation, no lock, no system call, whatever the engine does.

#include <doctest/doctest.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "antiphon/plugin.h"
#include "fake_engine.h"
#include "scratch.h"
#include "trap.h"

using namespace antiphon;
using antiphon::test::FakeServer;
using antiphon::test::Scratch;
using antiphon::test::Trap;

namespace {

// Calls a plugin as an audio thread does, from memory that was there before.
struct Caller {
    Plugin& plugin;
    std::vector<float> left = std::vector<float>(8192), right = left;
    std::minstd_rand dice{7};
    double quarter = 0.0;
    bool is_playing = false;

    void call() {
        const std::size_t frames = dice() % 10 == 0 ? 0 : 1 + dice() % 8192;
        if (dice() % 30 == 0) is_playing = !is_playing;
        if (dice() % 90 == 0) quarter = dice() % 64;
        float* both[2] = {left.data(), right.data()};
        const Midi midi[] = {{Midi::Kind::note_on, 60}, {Midi::Kind::note_off, 60}};
        Block block;
        block.in = both, block.out = both, block.frames = frames;
        block.midi = midi, block.midi_count = dice() % 20 == 0 ? 2 : 0;
        block.time.has_transport = true;
        block.time.is_playing = is_playing;
        block.time.quarter = quarter;
        block.time.bpm = 120.0;
        plugin.process(block);
        if (is_playing) quarter += static_cast<double>(frames) / 24000.0;
        if (dice() % 50 == 0)
            plugin.set_value(id::density, static_cast<float>(dice() % 100) / 100.0f);
    }
};

PluginOptions quiet() {
    PluginOptions options;
    options.link.may_start = false;
    return options;
}

}  // namespace

TEST_CASE("trap: it springs on an allocation, a lock and a system call") {
    std::mutex mutex;
    Trap trap;
    void* volatile memory = malloc(10);
    free(memory);
    { const std::lock_guard lock(mutex); }
    CHECK(trap.faults() == 3);
}

TEST_CASE("trap: 10,000 blocks of random sizes allocate nothing and lock nothing") {
    const double rates[] = {8000, 22050, 44100, 48000, 88200, 96000, 192000, 44099};
    Scratch scratch;
    FakeServer server(scratch.path);
    Plugin plugin(quiet());
    Caller caller{plugin};
    long faults = 0;
    for (int i = 0; i < 10'000; ++i) {
        if (i % 500 == 0) plugin.activate(rates[i / 500 % 8], 64);
        if (i % 1000 == 300) server.hang(true);
        if (i % 1000 == 600) server.hang(false);
        if (i == 5000) server.kill();
        if (i == 7000) server.start();
        Trap trap;
        caller.call();
        faults += trap.faults();
    }
    CHECK(faults == 0);
}

TEST_CASE("trap: blocks make no system call") {
    Scratch scratch;
    FakeServer server(scratch.path);
    Plugin plugin(quiet());
    plugin.activate(44100.0, 64);
    Caller caller{plugin};
    std::atomic<int> allowed{-1};
    std::atomic<long> calls{-1};
    std::thread audio([&] {
        for (int i = 0; i < 50; ++i) caller.call();
        allowed = test::forbid_system_calls();
        if (allowed == 1) {
            syscall(SYS_getppid);  // the trap springs
            for (int i = 0; i < 500; ++i) caller.call();
            calls = test::system_calls();
            test::end_thread();
        }
    });
    audio.join();
    if (allowed != 1) MESSAGE("skipped: this kernel allows no seccomp filter");
    if (allowed == 1) CHECK(calls == 1);
}
