// Wishes: what the player wants of the music, and what of it the engine does not do yet.
//
// In:  prompts, one-time commands and the values of parameters. Out: commands to send. Settings are
// compared with what the engine was told, so that the same code serves a first hello, a return to a
// session that waited, and every turn of a knob. `Wishes` may be called on any thread but the audio
// thread; `Settled` is the link's own.

#pragma once

#include <array>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "antiphon/messages.h"
#include "antiphon/parameters.h"

namespace antiphon {

using Prompts = std::array<std::string, kPromptSlots>;
using Values = std::array<float, kParameterCount>;  // NaN: not given

class Wishes {
  public:
    Prompts prompts() const;
    // index: from 0. Longer texts than an engine reads are cut, between characters.
    void set_prompt(int index, std::string text);
    void set_prompts(Prompts prompts);
    // A command that is to be obeyed once, such as a panic.
    void ask_once(std::string command);
    std::vector<std::string> take_once();

  private:
    mutable std::mutex mutex_;
    Prompts prompts_;
    std::vector<std::string> once_;
};

inline constexpr const char* kFreezeSlot = "freeze";

// A setting, and whether the engine has it without being told.
struct Wanted {
    Setting setting;
    bool is_start = false;
    bool is_switch = false;  // it waits for the next beat, bar or phrase, if the player says so
};

// All settings that follow from prompts and values, in the order in which they are best told.
std::vector<Wanted> wanted_settings(const Prompts& prompts, const Values& values);

// The setting that a value of one of the engine's parameters asks for.
Setting setting_of(int parameter, float value);

// A parameter's value as JSON; "null" where it is not given.
std::string value_json(const Parameter& parameter, float value);

// What the engine was told.
class Settled {
  public:
    // Start from what an engine says is in force, oldest first.
    void begin(const std::vector<Setting>& in_force);
    void enter(const Setting& setting);
    // A picked prompt says all weights at once.
    void enter_pick(int index);
    // What it was not told yet.
    std::vector<Wanted> missing(const std::vector<Wanted>& wanted) const;

  private:
    std::map<std::string, std::string> told_;
};

}  // namespace antiphon
