#include "host_parameter.h"

#include <cmath>

using antiphon::Kind;

namespace {

constexpr float kLeftPart = 0.04f;  // of a knob's way that says "not given"
const char* const kLeft = "from the prompt";

}  // namespace

HostParameter::HostParameter(antiphon::Plugin& plugin, int index)
    : plugin_(plugin), index_(index), row_(antiphon::kParameters[index]) {}

int HostParameter::steps() const noexcept {
    const int left = row_.can_be_left ? 1 : 0;
    switch (row_.kind) {
        case Kind::onoff:
            return 2 + left;
        case Kind::choice:
            return row_.choice_count + left;
        case Kind::integer:
            return juce::roundToInt(row_.high - row_.low) + 1 + left;
        case Kind::number:
            break;
    }
    return 0;
}

float HostParameter::value_at(float normal) const noexcept {
    normal = juce::jlimit(0.0f, 1.0f, normal);
    if (const int count = steps(); count > 0) {
        const double place = std::round(static_cast<double>(normal) * (count - 1));
        const double step = place - (row_.can_be_left ? 1.0 : 0.0);
        return step < 0.0 ? antiphon::kNotGiven : static_cast<float>(row_.low + step);
    }
    if (!row_.can_be_left) return row_.low + normal * (row_.high - row_.low);
    if (normal < kLeftPart) return antiphon::kNotGiven;
    return row_.low + (normal - kLeftPart) / (1.0f - kLeftPart) * (row_.high - row_.low);
}

float HostParameter::normal_of(float value) const noexcept {
    if (std::isnan(value)) return 0.0f;
    if (const int count = steps(); count > 0) {
        const double step = static_cast<double>(value) - row_.low + (row_.can_be_left ? 1.0 : 0.0);
        return static_cast<float>(step / (count - 1));
    }
    const float part = (value - row_.low) / (row_.high - row_.low);
    return row_.can_be_left ? kLeftPart + part * (1.0f - kLeftPart) : part;
}

void HostParameter::set_by_hand(float value) {
    beginChangeGesture();
    setValueNotifyingHost(normal_of(value));
    endChangeGesture();
}

float HostParameter::getDefaultValue() const {
    return normal_of(row_.can_be_left ? antiphon::kNotGiven : row_.start);
}

juce::String HostParameter::getName(int length) const {
    return juce::String(row_.label).substring(0, length);
}

juce::String HostParameter::words(float value) const {
    if (std::isnan(value)) return kLeft;
    switch (row_.kind) {
        case Kind::onoff:
            return value >= 0.5f ? "on" : "off";
        case Kind::choice:
            return row_.choices[juce::roundToInt(value)];
        case Kind::integer:
            break;
        case Kind::number:
            break;
    }
    const juce::String unit(row_.unit);
    const bool is_short = unit == "bpm" || unit == "s" || unit == "dB" || unit == "bars";
    const int places = row_.kind == Kind::integer ? 0 : (row_.high - row_.low > 50.0f ? 1 : 2);
    return juce::String(value, places) + (is_short ? " " + unit : juce::String());
}

juce::String HostParameter::getText(float normal, int length) const {
    const juce::String text = words(value_at(normal));
    return length > 0 ? text.substring(0, length) : text;
}

float HostParameter::getValueForText(const juce::String& text) const {
    if (row_.can_be_left && (text.trim() == kLeft || text.trim().isEmpty())) return 0.0f;
    if (row_.kind == Kind::onoff)
        return normal_of(text.trim() == "on" || text.getFloatValue() >= 0.5f ? 1.0f : 0.0f);
    for (int i = 0; i < row_.choice_count; ++i)
        if (text.trim().equalsIgnoreCase(row_.choices[i])) return normal_of(static_cast<float>(i));
    if (row_.kind == Kind::choice) return getDefaultValue();
    return normal_of(juce::jlimit(row_.low, row_.high, text.getFloatValue()));
}

int HostParameter::getNumSteps() const {
    return steps() > 0 ? steps() : AudioProcessorParameter::getNumSteps();
}

bool HostParameter::isBoolean() const { return row_.kind == Kind::onoff && !row_.can_be_left; }

juce::StringArray HostParameter::getAllValueStrings() const {
    juce::StringArray all;
    if (row_.kind != Kind::choice && row_.kind != Kind::onoff) return all;
    for (int i = 0; i < steps(); ++i)
        all.add(words(value_at(static_cast<float>(i) / static_cast<float>(steps() - 1))));
    return all;
}
