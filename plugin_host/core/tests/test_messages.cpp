// Messages, wishes: what is said is well formed, what is heard is checked, nothing is said twice.

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "antiphon/messages.h"
#include "antiphon/wishes.h"

using namespace antiphon;

namespace {

Values start_values() {
    Values values;
    for (int i = 0; i < kParameterCount; ++i)
        values[i] = kParameters[i].can_be_left ? kNotGiven : kParameters[i].start;
    return values;
}

const std::string kWelcome =
    R"({"type":"welcome","protocol":1,"version":"0.1.0","boot":"b","session":"s","role":"player",)"
    R"("state":"new","token":"t","key":"00","audio":"tcp://127.0.0.1:1","rate":48000,"channels":2,)"
    R"("sample":17,"frame":0,"seed":0,"change":0,"revision":4,"bundle":"x","bundle_name":"n",)"
    R"("heartbeat_ms":500,"park_ms":2500,"settings":[{"kind":"prompt","index":2,"text":"dub"},)"
    R"({"kind":"mode","mode":"answer","call_bars":null}],"capabilities":[],"new_field":[1]})";

}  // namespace

TEST_CASE("messages: a welcome is read, and fields that are not known are left alone") {
    const auto message = heard::read(kWelcome);
    REQUIRE(message);
    const auto& welcome = std::get<heard::Welcome>(*message);
    CHECK(welcome.sample == 17);
    CHECK(welcome.revision == 4);
    REQUIRE(welcome.settings.size() == 2);
    CHECK(welcome.settings[0].slot == "prompt/2");
    CHECK(welcome.settings[0].command == prompt_command(2, "dub"));
    CHECK(welcome.settings[1].command == mode_command("answer"));
}

TEST_CASE("messages: what is broken, deep, huge or of the wrong kind is no message") {
    CHECK_FALSE(heard::read(""));
    CHECK_FALSE(heard::read("{"));
    CHECK_FALSE(heard::read("[1,2]"));
    CHECK_FALSE(heard::read(R"({"type":"dance"})"));
    CHECK_FALSE(heard::read(R"({"type":7})"));
    CHECK_FALSE(heard::read(R"({"type":"welcome"})"));
    CHECK_FALSE(heard::read(R"({"type":"ack","revision":"one"})"));
    CHECK_FALSE(heard::read(std::string(100'000, '[')));
    CHECK_FALSE(heard::read(std::string(kMaxControlBytes + 1, ' ')));
}

TEST_CASE("messages: a welcome with any byte changed is read or refused, and never breaks") {
    std::minstd_rand dice(3);
    int read = 0;
    for (int i = 0; i < 5000; ++i) {
        std::string part = kWelcome;
        for (unsigned n = 1 + dice() % 3; n > 0; --n)
            part[dice() % part.size()] = static_cast<char>(dice());
        read += heard::read(part).has_value();
    }
    CHECK(read > 0);
}

TEST_CASE("messages: text of any kind is said as JSON") {
    CHECK(text_json("say \"dub\"\n\\") == R"("say \"dub\"\n\\")");
    CHECK(heard::read(R"({"type":"remark","text":)" + text_json("\xff\xfe broken \x01") + "}"));
    CHECK(number_json(0.1f) == "0.1");
    CHECK(number_json(1.0) == "1.0");
}

TEST_CASE("wishes: with nothing asked for there is nothing to tell") {
    CHECK(Settled().missing(wanted_settings({}, start_values())).empty());
}

TEST_CASE("wishes: what was told is not told again, and what changed is") {
    Values values = start_values();
    Prompts prompts;
    prompts[2] = "warm tape choir";
    values[id::weight_1] = 0.0f, values[id::weight_3] = 1.0f, values[id::density] = 0.25f;
    Settled settled;
    for (const Wanted& one : settled.missing(wanted_settings(prompts, values)))
        settled.enter(one.setting);
    CHECK(settled.missing(wanted_settings(prompts, values)).empty());
    values[id::density] = kNotGiven;
    const auto missing = settled.missing(wanted_settings(prompts, values));
    REQUIRE(missing.size() == 1);
    CHECK(missing[0].setting.command == R"({"kind":"param","name":"density","value":null})");
}

TEST_CASE("wishes: a pick says all weights") {
    Settled settled;
    settled.enter({"weight/2", weight_command(2, 0.5)});
    settled.enter({"pick", pick_command(3)});
    Values values = start_values();
    values[id::weight_1] = 0.0f, values[id::weight_3] = 1.0f;
    CHECK(settled.missing(wanted_settings({}, values)).empty());
}

TEST_CASE("wishes: every parameter of the engine is said as the kind of value that it takes") {
    Values values = start_values();
    values[id::key] = 14.0f, values[id::drums] = 0.0f, values[id::seed] = 16777215.0f;
    CHECK(setting_of(id::key, values[id::key]).command ==
          R"({"kind":"param","name":"key","value":"D minor"})");
    CHECK(setting_of(id::drums, 0.0f).command ==
          R"({"kind":"param","name":"drums","value":false})");
    CHECK(setting_of(id::seed, 16777215.0f).command ==
          R"({"kind":"param","name":"seed","value":16777215})");
    CHECK(setting_of(id::tempo, 123.456f).command ==
          R"({"kind":"param","name":"tempo","value":123.456})");
}

TEST_CASE("wishes: a prompt that is too long is cut between characters") {
    Wishes wishes;
    std::string text;
    for (int i = 0; i < 3000; ++i) text += "\xc3\xb6";  // o umlaut
    wishes.set_prompt(0, text);
    CHECK(wishes.prompts()[0].size() == 2 * kMaxPromptCharacters);
}
