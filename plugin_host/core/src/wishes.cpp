#include "antiphon/wishes.h"

#include <cmath>
#include <utility>

namespace antiphon {
namespace {

constexpr std::size_t kMaxOnce = 64;

// Cut a UTF-8 text to so many characters.
std::string cut(std::string text, int characters) {
    int seen = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
        if (begins && ++seen > characters) return text.substr(0, i);
    }
    return text;
}

std::string weight_slot(int index) { return "weight/" + std::to_string(index); }

bool is_start(const Parameter& row, float value) {
    return row.can_be_left ? std::isnan(value) : value == row.start;
}

}  // namespace

Prompts Wishes::prompts() const {
    const std::lock_guard lock(mutex_);
    return prompts_;
}

void Wishes::set_prompt(int index, std::string text) {
    const std::lock_guard lock(mutex_);
    prompts_.at(static_cast<std::size_t>(index)) = cut(std::move(text), kMaxPromptCharacters);
}

void Wishes::set_prompts(Prompts prompts) {
    for (std::string& text : prompts) text = cut(std::move(text), kMaxPromptCharacters);
    const std::lock_guard lock(mutex_);
    prompts_ = std::move(prompts);
}

void Wishes::ask_once(std::string command) {
    const std::lock_guard lock(mutex_);
    if (once_.size() < kMaxOnce) once_.push_back(std::move(command));
}

std::vector<std::string> Wishes::take_once() {
    const std::lock_guard lock(mutex_);
    return std::exchange(once_, {});
}

Setting setting_of(int parameter, float value) {
    const std::string name = kParameters[parameter].id;
    return {"param/" + name, param_command(name, value_json(kParameters[parameter], value))};
}

std::string value_json(const Parameter& parameter, float value) {
    if (std::isnan(value)) return "null";
    switch (parameter.kind) {
        case Kind::onoff:
            return value >= 0.5f ? "true" : "false";
        case Kind::integer:
            return std::to_string(std::lround(value));
        case Kind::choice:
            return text_json(parameter.choices[std::lround(value)]);
        case Kind::number:
            break;
    }
    return number_json(value);
}

std::vector<Wanted> wanted_settings(const Prompts& prompts, const Values& values) {
    std::vector<Wanted> all;
    for (int i = 0; i < kParameterCount; ++i)
        if (kParameters[i].target == Target::engine)
            all.push_back({setting_of(i, values[i]), is_start(kParameters[i], values[i]), false});
    for (int i = 0; i < kPromptSlots; ++i)
        all.push_back({{"prompt/" + std::to_string(i + 1), prompt_command(i + 1, prompts[i])},
                       prompts[i].empty(),
                       true});
    for (int i = 0; i < kPromptSlots; ++i)
        all.push_back({{weight_slot(i + 1), weight_command(i + 1, values[id::weight_1 + i])},
                       is_start(kParameters[id::weight_1 + i], values[id::weight_1 + i]),
                       false});
    const auto mode = static_cast<int>(std::lround(values[id::mode]));
    all.push_back({{"mode", mode_command(choices::mode[mode])}, mode == 0, true});
    const bool is_frozen = values[id::freeze] >= 0.5f;
    const auto bars = static_cast<int>(std::lround(values[id::freeze_bars]));
    all.push_back({{kFreezeSlot, freeze_command(is_frozen ? bars : 0)}, !is_frozen, true});
    return all;
}

void Settled::begin(const std::vector<Setting>& in_force) {
    told_.clear();
    for (const Setting& setting : in_force) enter(setting);
}

void Settled::enter(const Setting& setting) {
    if (setting.slot == "pick") {
        for (int index = 1; index <= kPromptSlots; ++index)
            if (setting.command == pick_command(index)) enter_pick(index);
        return;
    }
    told_[setting.slot] = setting.command;
}

void Settled::enter_pick(int index) {
    for (int i = 1; i <= kPromptSlots; ++i)
        told_[weight_slot(i)] = weight_command(i, i == index ? 1.0 : 0.0);
}

std::vector<Wanted> Settled::missing(const std::vector<Wanted>& wanted) const {
    std::vector<Wanted> found;
    for (const Wanted& one : wanted) {
        const auto told = told_.find(one.setting.slot);
        if (told == told_.end() ? !one.is_start : told->second != one.setting.command)
            found.push_back(one);
    }
    return found;
}

}  // namespace antiphon
