// The link's thread and a fake engine on loopback: found, lost, hung, back again, and gone in time.

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "antiphon/link.h"
#include "fake_engine.h"
#include "scratch.h"

using namespace antiphon;
using antiphon::test::FakeServer;
using antiphon::test::Scratch;
using antiphon::test::seconds;
using antiphon::test::wait_until;

namespace {

struct House {
    Scratch scratch;
    std::shared_ptr<Shared> shared = std::make_shared<Shared>();
    std::unique_ptr<LinkThread> link;

    void open() { link = std::make_unique<LinkThread>(shared, LinkOptions{"", false}); }

    void process() {
        Event event;
        event.kind = Event::Kind::epoch;
        event.epoch = 1;
        shared->exchange.events.push(event);
        shared->exchange.wanted = 4800;
        shared->exchange.is_awake = true;
    }

    bool plays() {
        return wait_until([&] { return shared->exchange.is_linked.load(); });
    }
};

}  // namespace

TEST_CASE("link: before anything is processed nothing is looked for") {
    House house;
    FakeServer server(house.scratch.path);
    house.open();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    server.with([](auto& engine) { CHECK(engine.log.hellos.empty()); });
    CHECK(house.shared->board.copy().state == LinkState::asleep);
}

TEST_CASE("link: an engine is found by the file it leaves, and plays") {
    House house;
    FakeServer server(house.scratch.path);
    house.open();
    house.process();
    CHECK(house.plays());
    CHECK(wait_until([&] { return house.shared->exchange.sound.end() == 4800; }));
}

TEST_CASE("link: without an engine it says so, and takes the one that comes later") {
    House house;
    house.open();
    house.process();
    CHECK(wait_until([&] {
        return house.shared->board.copy().reason ==
               "No engine is running. Start one: antiphon serve.";
    }));
    FakeServer server(house.scratch.path);
    CHECK(house.plays());
}

TEST_CASE("link: an engine that died is missed, and its successor plays") {
    House house;
    FakeServer server(house.scratch.path);
    house.open();
    house.process();
    REQUIRE(house.plays());
    server.kill();
    CHECK(wait_until([&] { return !house.shared->exchange.is_linked.load(); }));
    server.start();
    CHECK(house.plays());
    CHECK(house.shared->board.copy().reconnects >= 1);
}

TEST_CASE("link: an engine that hangs is missed, and is back when it goes on") {
    House house;
    FakeServer server(house.scratch.path);
    house.open();
    house.process();
    REQUIRE(house.plays());
    server.hang(true);
    CHECK(wait_until([&] { return !house.shared->exchange.is_linked.load(); }));
    server.hang(false);
    CHECK(house.plays());
}

TEST_CASE("link: it ends soon, whatever the engine does") {
    for (const char* what : {"playing", "hung", "dead", "never there"}) {
        CAPTURE(what);
        House house;
        auto server = std::make_unique<FakeServer>(house.scratch.path);
        house.open();
        house.process();
        REQUIRE(house.plays());
        if (std::string(what) == "hung") server->hang(true);
        if (std::string(what) == "dead") server->kill();
        if (std::string(what) == "never there") {
            house.link.reset();
            server.reset();
            house.open();
        }
        const double begin = seconds();
        house.link.reset();
        CHECK(seconds() - begin < 5.0);  // 0.4 on a machine with time; what hangs never ends
    }
}

TEST_CASE("link: files of engines that are gone, or of others, are not believed") {
    House house;
    mkdir(house.scratch.path.c_str(), 0700);
    std::ofstream(house.scratch.path + "/engine-1.json") << "{\"format\": 1, \"pid\": 999999999}";
    std::ofstream(house.scratch.path + "/engine-2.json") << "not JSON";
    std::ofstream(house.scratch.path + "/engine-3.json") << std::string(10000, '[');
    std::string problem;
    CHECK(find_engines(problem).empty());
    CHECK(problem.empty());
    chmod(house.scratch.path.c_str(), 0777);
    CHECK(find_engines(problem).empty());
    CHECK(problem.find("can be written to by others") != std::string::npos);
}

TEST_CASE("link: twenty instances have twenty sessions on one engine") {
    Scratch scratch;
    FakeServer server(scratch.path);
    std::vector<House> houses(20);
    setenv("ANTIPHON_RUNTIME_DIR", scratch.path.c_str(), 1);
    for (House& house : houses) house.open(), house.process();
    for (House& house : houses) CHECK(house.plays());
    server.with([](auto& engine) { CHECK(engine.sessions.size() == 20); });
    for (House& house : houses) house.link.reset();
    CHECK(wait_until([&] {
        std::size_t left = 1;
        server.with([&](auto& engine) { left = engine.sessions.size(); });
        return left == 0;
    }));
}

TEST_CASE("launcher: one of two starts the engine, and a command that fails is named") {
    Scratch scratch;
    UserSettings settings;
    settings.command = {"/bin/sh", "-c", "sleep 2"};
    Launcher first, second;
    CHECK(first.start(settings, 0.0) == "Starting the engine.");
    CHECK(second.start(settings, 0.0) == "Another instance is starting the engine.");
    first.settle();
    settings.command = {"/no/such/antiphon", "serve"};
    CHECK(second.start(settings, 40.0).find("could not be started") != std::string::npos);
    settings.may_start = false;
    CHECK(second.start(settings, 100.0) == "No engine is running. Start one: antiphon serve.");
}

TEST_CASE("launcher: an engine that ends at once is not called starting") {
    Scratch scratch;
    UserSettings settings;
    settings.command = {"/bin/sh", "-c", "echo no bundle; exit 2"};
    Launcher launcher;
    launcher.start(settings, 0.0);
    CHECK(wait_until([&] { return !launcher.is_starting(); }));
    CHECK(launcher.start(settings, 1.0).find("serve.log") != std::string::npos);
}
