// The plugin as JUCE has it: buses, parameters, notes, state and time, handed on to the core.
//
// In:  what a host calls. Out: calls of `antiphon::Plugin`, which has the thinking. Constructing
// one opens nothing. The delay reported to the host is 0: what comes in goes out in the same block,
// and the engine's music is on the grid because it is made ahead, not because the session is
// shifted.

#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include "antiphon/plugin.h"
#include "host_parameter.h"

class Processor final : public juce::AudioProcessor, private juce::Timer {
  public:
    Processor();

    antiphon::Plugin& plugin() noexcept { return plugin_; }
    HostParameter& parameter(int index) noexcept { return *parameters_[index]; }

    // Put a prompt into a slot, from 0, and tell the host that the project has changed.
    void set_prompt(int slot, const juce::String& text);
    // Let one slot have all the weight, as a program change does.
    void pick(int slot);

    // --- juce::AudioProcessor -------------------------------------------------------------------
    const juce::String getName() const override { return JucePlugin_Name; }
    void prepareToPlay(double rate, int block) override;
    void releaseResources() override { plugin_.deactivate(); }
    bool isBusesLayoutSupported(const BusesLayout& layout) const override;
    void processBlock(juce::AudioBuffer<float>& audio, juce::MidiBuffer& midi) override;
    juce::AudioProcessorParameter* getBypassParameter() const override;
    double getTailLengthSeconds() const override;
    bool acceptsMidi() const override { return true; }
    bool producesMidi() const override { return false; }
    bool hasEditor() const override { return true; }
    juce::AudioProcessorEditor* createEditor() override;
    int getNumPrograms() override { return 1; }
    int getCurrentProgram() override { return 0; }
    void setCurrentProgram(int) override {}
    const juce::String getProgramName(int) override { return {}; }
    void changeProgramName(int, const juce::String&) override {}
    void getStateInformation(juce::MemoryBlock& state) override;
    void setStateInformation(const void* state, int size) override;

  private:
    static constexpr int kMaxMidi = 256;  // of one block; more is not played by hands
    static constexpr int kMaxChunk = 8192;

    void timerCallback() override;
    antiphon::HostTime host_time() const;
    int read_midi(const juce::MidiBuffer& midi) noexcept;
    void bring_in(const juce::AudioBuffer<float>& audio, int start, int count) noexcept;
    void take_out(juce::AudioBuffer<float>& audio, int start, int count) noexcept;

    antiphon::Plugin plugin_;
    juce::Array<HostParameter*> parameters_;  // owned by the base class
    antiphon::Midi midi_[kMaxMidi];
    juce::AudioBuffer<float> in_, out_;  // [2][kMaxChunk]
    double rate_ = antiphon::kLinkRate;  // Hz, of the host
    std::string take_;                   // that the host knows the project to have
};
