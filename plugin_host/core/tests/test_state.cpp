// State: a project holds everything of ours, and everything of a newer version that we do not know.

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "antiphon/state.h"

using namespace antiphon;

namespace {

Saved some() {
    Saved saved;
    for (int i = 0; i < kParameterCount; ++i)
        saved.values[i] = kParameters[i].can_be_left ? kNotGiven : kParameters[i].start;
    saved.prompts[0] = "dub techno 124";
    saved.prompts[7] = "\xe5\xb0\xba\xe5\x85\xab \"quoted\"";
    saved.values[id::seed] = 4711.0f;
    saved.values[id::key] = 3.0f;
    saved.values[id::bypass] = 1.0f;
    saved.values[id::weight_2] = -0.75f;
    saved.facts = {"0.1.0", "abcdef", "default"};
    saved.editor["width"] = 900.0;
    return saved;
}

bool same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

TEST_CASE("state: what is written is read back") {
    const Saved saved = some();
    Saved found;
    State state;
    REQUIRE(state.read(State().write(saved), found));
    CHECK(found.prompts == saved.prompts);
    for (int i = 0; i < kParameterCount; ++i) {
        CAPTURE(kParameters[i].id);
        CHECK(same(found.values[i], saved.values[i]));
    }
    CHECK(found.facts.bundle == "abcdef");
    CHECK(found.editor["width"] == 900.0);
}

TEST_CASE("state: what a newer version wrote survives, at every level") {
    State state;
    Saved saved;
    REQUIRE(state.read(
        R"({"product":"antiphon","format":9,"prompts":["a"],"hologram":{"deep":[1,{"x":null}]},)"
        R"("values":{"temperature":1.5,"swing":0.3},"made_with":{"bundle":"b","moon":"full"}})",
        saved));
    CHECK(saved.values[id::temperature] == 1.5f);
    const std::string text = state.write(saved);
    for (const char* kept : {"hologram", "deep", "swing", "moon", "\"format\": 9"}) {
        CAPTURE(kept);
        CHECK(text.find(kept) != std::string::npos);
    }
}

TEST_CASE("state: values that make no sense are as if they were not there") {
    State state;
    Saved saved;
    REQUIRE(state.read(
        R"({"product":"antiphon","prompts":[7,"b"],"values":{"temperature":"hot","seed":-5,)"
        R"("key":"H major","drums":1,"mix":9e99,"mode":null}})",
        saved));
    CHECK(saved.prompts[0].empty());
    CHECK(saved.prompts[1] == "b");
    CHECK(saved.values[id::temperature] == 1.0f);
    CHECK(saved.values[id::seed] == 0.0f);
    CHECK(std::isnan(saved.values[id::key]));
    CHECK(std::isnan(saved.values[id::drums]));
    CHECK(saved.values[id::mix] == 1.0f);
    CHECK(saved.values[id::mode] == 0.0f);
}

TEST_CASE("state: what is no state of ours changes nothing") {
    State state;
    Saved saved = some();
    for (const std::string& text :
         {std::string(), std::string("{}"), std::string("VST3"),
          std::string(R"({"product":"other"})"), std::string(2'000'000, '{')})
        CHECK_FALSE(state.read(text, saved));
    CHECK(saved.prompts[0] == "dub techno 124");
}

TEST_CASE("state: a state with any byte changed is read or refused, and never breaks") {
    const std::string good = State().write(some());
    std::minstd_rand dice(4);
    for (int i = 0; i < 1000; ++i) {
        std::string bad = good;
        for (unsigned n = 1 + dice() % 4; n > 0; --n)
            bad[dice() % bad.size()] = static_cast<char>(dice());
        State state;
        Saved saved;
        if (state.read(bad, saved)) CHECK_FALSE(state.write(saved).empty());
    }
}
