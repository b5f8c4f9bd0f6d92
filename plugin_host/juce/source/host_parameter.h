// One of the plugin's parameters, as a host sees it.
//
// In:  a row of the generated table. Out: a JUCE parameter, whose value lives in the plugin. Where
// "not given" is a value, it is the lowest one: a choice "from the prompt" more, or the first 4 %
// of a knob's way. Values may be set on any thread, also the audio thread: it is one atomic store.

#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include "antiphon/plugin.h"

class HostParameter final : public juce::HostedAudioProcessorParameter {
  public:
    HostParameter(antiphon::Plugin& plugin, int index);

    const antiphon::Parameter& row() const noexcept { return row_; }
    int index() const noexcept { return index_; }

    // Between a host's 0..1 and the plugin's values; NaN is "not given".
    float value_at(float normal) const noexcept;
    float normal_of(float value) const noexcept;
    float value() const noexcept { return plugin_.value(index_); }
    // Set it as a player does: the host is told, and may write it down. [message-thread]
    void set_by_hand(float value);

    juce::String words(float value) const;

    float getValue() const override { return normal_of(value()); }
    void setValue(float normal) override { plugin_.set_value(index_, value_at(normal)); }
    float getDefaultValue() const override;
    juce::String getName(int length) const override;
    juce::String getLabel() const override { return {}; }  // units are in the words
    juce::String getText(float normal, int length) const override;
    float getValueForText(const juce::String& text) const override;
    int getNumSteps() const override;
    bool isDiscrete() const override { return row_.kind != antiphon::Kind::number; }
    bool isBoolean() const override;
    juce::StringArray getAllValueStrings() const override;
    juce::String getParameterID() const override { return row_.id; }

  private:
    int steps() const noexcept;  // 0: a number

    antiphon::Plugin& plugin_;
    int index_;
    const antiphon::Parameter& row_;
};
