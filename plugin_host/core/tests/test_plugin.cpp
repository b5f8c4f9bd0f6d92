// The plugin as a host sees it, with a fake engine on loopback behind it.

#include <doctest/doctest.h>

#include <dirent.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>

#include "antiphon/plugin.h"
#include "fake_engine.h"
#include "host.h"
#include "scratch.h"

using namespace antiphon;
using antiphon::test::FakeServer;
using antiphon::test::Host;
using antiphon::test::Scratch;
using antiphon::test::sound_left;
using antiphon::test::sound_right;
using antiphon::test::wait_until;

namespace {

constexpr double kLeadInQuarters = 0.4;  // Plugin::kLeadIn at 120 bpm

PluginOptions quiet(double wait = 20.0) {
    PluginOptions options;
    options.link.may_start = false;
    options.offline_wait_seconds = wait;
    options.hopeless_seconds = wait;
    return options;
}

int entries(const char* folder) {
    int count = 0;
    DIR* listing = opendir(folder);
    while (readdir(listing) != nullptr) ++count;
    closedir(listing);
    return count;
}

// How many samples are not at the place in the song that belongs to them, from `first` on.
int off_the_grid(const Host& host, double from_quarter, std::size_t first, float tolerance) {
    int faults = 0;
    for (std::size_t i = first; i < host.right.size(); ++i) {
        const double quarter = from_quarter + static_cast<double>(i) / host.rate * host.bpm / 60.0;
        faults += !(std::fabs(host.right[i] - sound_right(quarter)) <= tolerance);
    }
    return faults;
}

struct Studio {
    Scratch scratch;
    FakeServer server{scratch.path};
    Plugin plugin;
    explicit Studio(double wait = 20.0) : plugin(quiet(wait)) {}
};

}  // namespace

TEST_CASE("plugin: 200 instances that only are looked at start no thread and open no file") {
    const int threads = entries("/proc/self/task"), files = entries("/proc/self/fd");
    std::vector<std::unique_ptr<Plugin>> scanned;
    for (int i = 0; i < 200; ++i) scanned.push_back(std::make_unique<Plugin>(quiet()));
    CHECK(entries("/proc/self/task") == threads);
    CHECK(entries("/proc/self/fd") == files);
    for (auto& plugin : scanned) CHECK_FALSE(plugin->save().empty());
}

TEST_CASE("plugin: without an engine what comes in goes out, bit for bit") {
    Scratch scratch;
    Plugin plugin(quiet());
    Host host(plugin);
    host.input = 0.3f;
    host.blocks(50, 441);
    CHECK(std::count(host.left.begin(), host.left.end(), 0.3f) ==
          static_cast<long>(host.left.size()));
    CHECK(std::count(host.right.begin(), host.right.end(), -0.3f) ==
          static_cast<long>(host.right.size()));
    CHECK(wait_until([&] {
        return plugin.view().report.reason == "No engine is running. Start one: antiphon serve.";
    }));
}

TEST_CASE("plugin: an offline bounce is whole from the first sample, and on the grid") {
    Studio studio;
    Host host(studio.plugin);
    host.is_offline = true;
    host.quarter = 8.0;
    std::minstd_rand dice(5);
    while (host.left.size() < 5 * 48000) host.block(1 + dice() % 2000);
    int faults = 0;
    for (std::size_t i = 48; i < host.left.size(); ++i) faults += host.left[i] != sound_left(Plugin::kLeadIn + i);
    CHECK(faults == 0);
    CHECK(off_the_grid(host, 8.0, 48, 1e-7f) == 0);
    CHECK(studio.plugin.view().offline_gaps == 0);
    CHECK(studio.plugin.view().underruns == 0);
}

TEST_CASE("plugin: at other rates a bounce is on the grid too") {
    for (const double rate : {44100.0, 88200.0, 96000.0, 22050.0}) {
        CAPTURE(rate);
        Studio studio;
        Host host(studio.plugin, rate);
        host.is_offline = true;
        host.quarter = 16.0;
        while (host.left.size() < static_cast<std::size_t>(rate)) host.block(777);
        CHECK(off_the_grid(host, 16.0, host.left.size() / 50, 2e-6f) == 0);
        CHECK(studio.plugin.view().is_resampling);
    }
}

TEST_CASE("plugin: the same bounce twice is the same music") {
    Studio studio;
    Host host(studio.plugin);
    host.is_offline = true;
    std::vector<float> bounces[2];
    for (std::vector<float>& bounce : bounces) {
        host.forget();
        host.quarter = 4.0;
        host.blocks(40, 1000);
        bounce = host.left;
        host.is_offline = host.is_playing = false;  // the host goes back to its playhead
        host.quarter = 4.0;
        host.blocks(5, 512);
        host.is_offline = host.is_playing = true;
    }
    const auto different = std::mismatch(bounces[0].begin(), bounces[0].end(), bounces[1].begin());
    CHECK(different.first == bounces[0].end());
    CHECK(studio.plugin.view().offline_gaps == 0);
}

TEST_CASE("plugin: a host that bounces and never says that its song moves gets one that does") {
    std::vector<float> bounces[2];
    for (const std::size_t frames : {100, 1000}) {
        Studio studio;
        Host host(studio.plugin);
        host.is_offline = true;
        host.is_playing = false;
        host.quarter = 4.0;
        host.blocks(static_cast<int>(20'000 / frames), frames);
        CHECK(off_the_grid(host, 4.0, 48, 1e-7f) == 0);
        bounces[frames == 1000] = host.left;
    }
    CHECK(bounces[0] == bounces[1]);
}

TEST_CASE("plugin: a bounce that found no engine does not keep the next one from waiting") {
    Scratch scratch;
    FakeServer server(scratch.path);
    server.kill();
    PluginOptions options = quiet();
    options.hopeless_seconds = 0.1;
    Plugin plugin(options);
    Host host(plugin);
    host.is_offline = true;
    host.blocks(10, 512);
    CHECK(plugin.view().offline_gaps == 10);
    server.start();
    host.is_offline = host.is_playing = false;
    REQUIRE(host.prime());
    host.is_offline = host.is_playing = true;
    host.quarter = 8.0;
    host.forget();
    host.blocks(100, 512);
    CHECK(plugin.view().offline_gaps == 10);
    CHECK(off_the_grid(host, 8.0, 48, 1e-7f) == 0);
}

TEST_CASE(
    "plugin: while the host stands, the first bars are made ready, and play begins with them") {
    Studio studio;
    Host host(studio.plugin);
    host.is_playing = false;
    host.quarter = 32.0;
    REQUIRE(host.prime());
    CHECK(*std::max_element(host.left.begin(), host.left.end()) == 0.0f);
    host.forget();
    host.is_playing = true;
    host.live(20, 480);
    CHECK(off_the_grid(host, 32.0, 48, 1e-7f) == 0);
    CHECK(studio.plugin.view().underruns == 0);
}

TEST_CASE("plugin: stopping is silence at once, and going on misses not a sample") {
    Studio studio;
    Host host(studio.plugin);
    host.is_playing = false;
    REQUIRE(host.prime());
    host.is_playing = true;
    host.live(20, 480);
    host.is_playing = false;
    host.forget();
    host.blocks(10, 480);
    CHECK(host.right[0] != 0.0f);
    CHECK(*std::max_element(host.right.begin() + 200, host.right.end()) == 0.0f);
    const double here = host.quarter;
    host.forget();
    host.is_playing = true;
    host.live(10, 480);
    CHECK(off_the_grid(host, here, 48, 1e-7f) == 0);
}

TEST_CASE("plugin: a moved playhead is followed, and play begins there") {
    Studio studio;
    Host host(studio.plugin);
    host.is_playing = false;
    REQUIRE(host.prime());
    host.is_playing = true;
    host.live(10, 480);
    host.is_playing = false;
    host.quarter = 100.0;
    const auto has_told = [&] {
        host.block(64);
        bool found = false;
        studio.server.with([&](auto& engine) {
            found = !engine.log.quarters.empty() && engine.log.quarters.back() == 100.0 - kLeadInQuarters;
        });
        return found && studio.plugin.view().report.state == LinkState::playing &&
               studio.plugin.view().buffer_seconds > 0.03;
    };
    REQUIRE(wait_until(has_told));
    host.forget();
    host.is_playing = true;
    host.live(10, 480);
    CHECK(off_the_grid(host, 100.0, 48, 1e-7f) == 0);
}

TEST_CASE("plugin: a host that begins a little beside the place where it stood has its first beat") {
    for (const double beside : {-0.39, -0.128, 0.0, 0.02}) {  // quarters
        CAPTURE(beside);
        Studio studio;
        Host host(studio.plugin);
        host.is_playing = false;
        host.quarter = 8.0;
        REQUIRE(host.prime());
        std::size_t hellos = 0;
        studio.server.with([&](auto& engine) { hellos = engine.log.hellos.size(); });
        host.forget();
        host.quarter = 8.0 + beside;
        host.is_playing = true;
        host.live(20, 480);
        CHECK(off_the_grid(host, 8.0 + beside, 48, 1e-7f) == 0);
        CHECK(studio.plugin.view().underruns == 0);
        studio.server.with([&](auto& engine) { CHECK(engine.log.hellos.size() == hellos); });
    }
}

TEST_CASE("plugin: a host that begins far from where it stood gets music of its place") {
    Studio studio;
    Host host(studio.plugin);
    host.is_playing = false;
    host.quarter = 8.0;
    REQUIRE(host.prime());
    host.quarter = 6.0;
    host.is_playing = true;
    host.block(480);  // nothing is ready for that
    REQUIRE(wait_until([&] {
        host.block(48);
        return host.right.back() != 0.0f;
    }));
    host.live(5, 480);
    const std::size_t last = host.right.size() - 480;
    CHECK(host.right[last] == doctest::Approx(sound_right(host.quarter - 0.02)).epsilon(1e-5));
}

TEST_CASE(
    "plugin: a prompt changed while the host stands is in the first sample of the next start") {
    Studio studio;
    Host host(studio.plugin);
    host.is_playing = false;
    REQUIRE(host.prime());
    std::size_t hellos = 0;
    studio.server.with([&](auto& engine) { hellos = engine.log.hellos.size(); });
    studio.plugin.set_prompt(0, "another one");
    CHECK(wait_until([&] {
        host.block(64);
        bool is_new = false;
        studio.server.with([&](auto& engine) { is_new = engine.log.hellos.size() > hellos; });
        return is_new;
    }));
}

TEST_CASE("plugin: where there is no transport it plays, and in a stopped host only if told to") {
    {
        Studio studio;
        Host host(studio.plugin);
        host.has_transport = false;
        REQUIRE(host.prime());
        host.forget();
        host.live(10, 480);
        CHECK(*std::max_element(host.left.begin(), host.left.end()) > 0.0f);
    }
    Studio studio;
    Host host(studio.plugin);
    studio.plugin.set_value(id::on_stop, 1.0f);
    host.is_playing = false;
    REQUIRE(host.prime());
    host.forget();
    host.live(10, 480);
    CHECK(*std::max_element(host.left.begin(), host.left.end()) > 0.0f);
}

TEST_CASE("plugin: a host that renders offline without ever playing gets music") {
    Studio studio;
    Host host(studio.plugin);
    host.is_offline = true;
    host.is_playing = false;
    host.blocks(20, 512);
    CHECK(*std::max_element(host.left.begin(), host.left.end()) > 0.0f);
}

TEST_CASE(
    "plugin: a bounce with an engine that hangs ends, with silence of the right length, and says "
    "so") {
    Studio studio(0.3);
    Host host(studio.plugin);
    host.is_offline = true;
    host.blocks(20, 512);
    studio.server.hang(true);
    host.blocks(100, 512);
    CHECK(host.left.size() == 120 * 512);
    CHECK(host.left.back() == 0.0f);
    CHECK(studio.plugin.view().offline_gaps > 0);
}

TEST_CASE(
    "plugin: when the engine dies the sound fades, and its successor goes on where the song is") {
    Studio studio;
    Host host(studio.plugin);
    host.is_playing = false;
    REQUIRE(host.prime());
    host.is_playing = true;
    host.live(20, 480);
    studio.server.kill();
    host.forget();
    for (int i = 0; i < 100; ++i) host.block(480);
    float step = 0.0f;
    for (std::size_t i = 1; i < host.right.size(); ++i)
        step = std::max(step, std::fabs(host.right[i] - host.right[i - 1]));
    CHECK(step < 0.001f);
    CHECK(host.right.back() == 0.0f);
    studio.server.start();
    const auto is_back = [&] {
        host.block(480);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return host.right.back() != 0.0f;
    };
    REQUIRE(wait_until(is_back));
    host.live(20, 480);
    CHECK(host.right.back() == doctest::Approx(sound_right(host.quarter - 120.0 / 60.0 / 48000.0)));
}

TEST_CASE("plugin: a program change picks a prompt, notes reach the engine") {
    Studio studio;
    Host host(studio.plugin);
    REQUIRE(host.prime());
    host.midi = {{Midi::Kind::program, 2}, {Midi::Kind::note_on, 64}};
    host.block(64);
    CHECK(wait_until([&] { return studio.plugin.take_picked() == 3; }));
    CHECK(studio.plugin.value(id::weight_3) == 1.0f);
    CHECK(wait_until([&] {
        bool found = false;
        studio.server.with([&](auto& engine) {
            for (const std::string& command : engine.log.commands)
                found |= command == note_command(true, 64);
        });
        return found;
    }));
}

TEST_CASE("plugin: bypass passes the input alone, and mix fades between the two") {
    Studio studio;
    Host host(studio.plugin);
    host.input = 0.25f;
    host.is_offline = true;
    studio.plugin.set_value(id::bypass, 1.0f);
    host.blocks(10, 512);
    CHECK(host.left.back() == 0.25f);
    studio.plugin.set_value(id::bypass, 0.0f);
    studio.plugin.set_value(id::mix, 1.0f);
    host.forget();
    host.blocks(10, 512);
    CHECK(host.left.back() == sound_left(Plugin::kLeadIn + 20 * 512 - 1));
    studio.plugin.set_value(id::mix, 0.0f);
    host.blocks(10, 512);
    CHECK(host.left.back() == 0.25f);
}

TEST_CASE("plugin: what was just heard can be kept, in whole bars") {
    Studio studio;
    Host host(studio.plugin);
    CHECK(studio.plugin.keep(2).frames.empty());
    host.is_offline = true;
    host.blocks(225, 2000);  // 9.375 s: 4 bars of 2 s and a bit
    const Kept kept = studio.plugin.keep(2);
    REQUIRE(kept.frames.size() == 2 * 4 * 48000);
    CHECK(kept.bpm == 120.0);
    CHECK(kept.frames[0] == sound_left(Plugin::kLeadIn + 2 * 2 * 48000));  // from bar 3's first sample on
}

TEST_CASE("plugin: what a project keeps comes back") {
    Scratch scratch;
    Plugin first(quiet()), second(quiet());
    first.set_prompt(4, "string quartet, sad");
    first.set_value(id::weight_5, 0.5f);
    first.set_value(id::key, 3.0f);
    first.set_editor_value("width", 1000.0);
    REQUIRE(second.restore(first.save()));
    CHECK(second.prompt(4) == "string quartet, sad");
    CHECK(second.value(id::weight_5) == 0.5f);
    CHECK(second.value(id::key) == 3.0f);
    CHECK(second.editor_value("width", 0.0) == 1000.0);
    CHECK_FALSE(second.restore("rubbish"));
    CHECK(second.prompt(4) == "string quartet, sad");
}

TEST_CASE("plugin: values out of range are bounded, and what must be given cannot be left") {
    Scratch scratch;
    Plugin plugin(quiet());
    plugin.set_value(id::temperature, 99.0f);
    CHECK(plugin.value(id::temperature) == 2.0f);
    plugin.set_value(id::mode, 99.0f);
    CHECK(plugin.value(id::mode) == 3.0f);
    plugin.set_value(id::mix, NAN);
    CHECK(plugin.value(id::mix) == 0.5f);
}

TEST_CASE("plugin: blocks of any size at any rate, also none, with an engine that comes and goes") {
    Studio studio;
    const char* count = std::getenv("ANTIPHON_BLOCKS");
    const int blocks = count != nullptr ? std::atoi(count) : 400;
    std::minstd_rand dice(6);
    Host host(studio.plugin);
    const double rates[] = {8000, 22050, 44100, 48000, 88200, 96000, 192000, 44099};
    int faults = 0;
    for (int i = 0; i < blocks; ++i) {
        if (dice() % 40 == 0) host.plugin.activate(host.rate = rates[dice() % 8], 64);
        if (dice() % 50 == 0) host.is_playing = !host.is_playing;
        if (dice() % 70 == 0) host.quarter = dice() % 64;
        if (i % 200 == 100) studio.server.hang(dice() % 2 == 0);
        host.block(dice() % 20 == 0 ? 0 : 1 + dice() % 8192);
        for (const float sample : host.left)
            faults += !std::isfinite(sample) || std::fabs(sample) > 1.0f;
        host.forget();
    }
    CHECK(faults == 0);
}

// --- takes --------------------------------------------------------------------------------------

namespace {

// Play from a place while a take is recorded, until all of it is on disk.
void perform(Host& host, double quarter, int blocks) {
    host.is_playing = false;
    host.quarter = quarter;
    REQUIRE(host.prime());
    host.forget();
    host.is_playing = true;
    host.live(blocks, 512);
    host.is_playing = false;
    host.blocks(2, 512);
    host.left.resize(static_cast<std::size_t>(blocks) * 512);
    host.right.resize(static_cast<std::size_t>(blocks) * 512);
    REQUIRE(wait_until([&] { return !host.plugin.take().empty(); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the end of it, after the stop
}

// What another instance with this one's state bounces.
Host bounced(Plugin& plugin, const std::string& state, double quarter, int blocks) {
    REQUIRE(plugin.restore(state));
    Host host(plugin);
    host.is_offline = true;
    host.quarter = quarter;
    host.blocks(blocks, 512);
    return host;
}

struct TakeStudio : Studio {
    TakeStudio() {
        setenv("XDG_DATA_HOME", scratch.path.c_str(), 1);
        plugin.set_value(id::take, 1.0f);
    }
    ~TakeStudio() { unsetenv("XDG_DATA_HOME"); }
};

}  // namespace

TEST_CASE(
    "plugin: what was recorded is bounced bit for bit in another instance, without an engine") {
    TakeStudio studio;
    Host host(studio.plugin);
    perform(host, 8.0, 150);
    REQUIRE(studio.plugin.view().underruns == 0);
    studio.plugin.set_value(id::take, 2.0f);
    studio.server.kill();
    Plugin other(quiet());
    const Host again = bounced(other, studio.plugin.save(), 8.0, 150);
    CHECK(again.left == host.left);
    CHECK(again.right == host.right);
    CHECK(other.view().report.state == LinkState::replaying);
    CHECK(other.view().offline_gaps == 0);
}

TEST_CASE("plugin: a bounce that begins before the song's start is exact from the start on") {
    TakeStudio studio;
    Host host(studio.plugin);
    perform(host, 0.0, 100);
    REQUIRE(studio.plugin.view().underruns == 0);
    studio.plugin.set_value(id::take, 2.0f);
    Plugin other(quiet());
    REQUIRE(other.restore(studio.plugin.save()));
    Host again(other);
    again.is_offline = again.counts_ticks = true;
    again.quarter = -1024.0 / 24000.0;
    again.blocks(102, 512);
    for (std::size_t i = 200; i < 100 * 512; ++i) REQUIRE(again.left[1024 + i] == host.left[i]);
}

TEST_CASE("plugin: of what was held ready only what was heard is recorded") {
    TakeStudio studio;
    Host host(studio.plugin);
    host.quarter = 8.0;
    host.is_playing = false;
    REQUIRE(host.prime());
    host.forget();
    host.quarter = 8.0 - 0.1;  // 2,400 samples
    host.is_playing = true;
    host.live(150, 480);
    host.is_playing = false;
    host.blocks(2, 480);
    REQUIRE(wait_until([&] { return !studio.plugin.take().empty(); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    Take take;
    std::string problem;
    REQUIRE(take.open(studio.plugin.take(), problem));
    std::vector<float> left(2400), right(2400);
    const std::int64_t place = 4 * 48'000 - 2400;
    take.read(place - 2400, 2400, left.data(), right.data());
    CHECK(std::count(left.begin(), left.end(), 0.0f) == 2400);
    take.read(place, 2400, left.data(), right.data());
    for (std::size_t i = 200; i < 2400; ++i) REQUIRE(left[i] == host.left[i]);
}

TEST_CASE("plugin: a loop is recorded where it was, and the last time round is what is replayed") {
    TakeStudio studio;
    Host host(studio.plugin);
    host.loop = Loop{4.0, 6.0};  // 48,000 samples
    perform(host, 4.0, 250);
    REQUIRE(studio.plugin.view().underruns == 0);
    studio.plugin.set_value(id::take, 2.0f);
    Plugin other(quiet());
    const Host again = bounced(other, studio.plugin.save(), 4.0, 80);
    const std::size_t round = 48'000, heard = 250 * 512;
    const std::size_t begin = 2 * round;  // of the third time round, which is not whole
    for (std::size_t i = 200; i < heard - begin; i += 7)
        REQUIRE(again.left[i] == host.left[begin + i]);
    for (std::size_t i = heard - begin; i < 80 * 512; i += 7)
        REQUIRE(again.left[i] == host.left[round + i]);
}

TEST_CASE("plugin: recording goes on in a new take, and the project's older one stays as it was") {
    TakeStudio studio;
    Host host(studio.plugin);
    perform(host, 0.0, 60);
    const std::string first = studio.plugin.save(), name = studio.plugin.take();
    Plugin later(quiet());
    REQUIRE(later.restore(first));
    Host second(later);
    perform(second, 32.0, 60);
    REQUIRE(wait_until([&] { return later.take() != name; }));
    Take old, grown;
    std::string problem;
    REQUIRE(old.open(name, problem));
    REQUIRE(grown.open(later.take(), problem));
    std::vector<float> left(480), right(480), of_grown(480);
    const std::int64_t place = 16 * 48'000 + 4800;  // of quarter 32, and a bit
    old.read(place, 480, left.data(), right.data());
    CHECK(std::count(left.begin(), left.end(), 0.0f) == 480);
    grown.read(place, 480, left.data(), right.data());
    CHECK(left[100] == second.left[4900]);
    old.read(4800, 480, left.data(), right.data());
    grown.read(4800, 480, of_grown.data(), right.data());
    CHECK(left == of_grown);
}

TEST_CASE(
    "plugin: without a take, or on a machine that has it not, replay is silence and says why") {
    TakeStudio studio;
    studio.plugin.set_value(id::take, 2.0f);
    Host host(studio.plugin);
    host.is_offline = true;
    host.blocks(20, 512);
    CHECK(std::count(host.left.begin(), host.left.end(), 0.0f) == 20 * 512);
    CHECK(studio.plugin.view().report.reason.find("no take yet") != std::string::npos);
    std::string state = studio.plugin.save();
    const std::string none = "\"take\": \"\"";
    REQUIRE(state.find(none) != std::string::npos);
    state.replace(state.find(none), none.size(), "\"take\": \"20260101-120000-0000ffff\"");
    Plugin other(quiet());
    bounced(other, state, 0.0, 20);
    CHECK(other.view().report.reason.find("is not on this machine") != std::string::npos);
}

TEST_CASE("plugin: from replay back to live the engine plays again, where the song is") {
    TakeStudio studio;
    Host host(studio.plugin);
    perform(host, 0.0, 40);
    studio.plugin.set_value(id::take, 2.0f);
    REQUIRE(wait_until([&] { return studio.plugin.view().report.state == LinkState::replaying; }));
    host.quarter = 16.0;
    studio.plugin.set_value(id::take, 0.0f);
    REQUIRE(host.prime());
    host.forget();
    host.is_playing = true;
    host.live(60, 512);
    CHECK(off_the_grid(host, 16.0, 2000, 1e-5f) == 0);
}
