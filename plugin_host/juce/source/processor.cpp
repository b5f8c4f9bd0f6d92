#include "processor.h"

#include <limits>

#include "editor.h"

namespace {

constexpr int kPickPollHz = 20;

antiphon::PluginOptions options() {
    antiphon::PluginOptions made;
    // For tests: an address instead of looking for one, and whether an engine may be started.
    made.link.engine =
        juce::SystemStats::getEnvironmentVariable("ANTIPHON_ENGINE", {}).toStdString();
    made.link.may_start = juce::SystemStats::getEnvironmentVariable("ANTIPHON_START", "1") != "0";
    return made;
}

}  // namespace

Processor::Processor()
    : AudioProcessor(BusesProperties()
                         .withInput("Input", juce::AudioChannelSet::stereo(), true)
                         .withOutput("Output", juce::AudioChannelSet::stereo(), true)),
      plugin_(options()) {
    for (int i = 0; i < antiphon::kParameterCount; ++i) {
        auto* made = new HostParameter(plugin_, i);
        parameters_.add(made);
        addParameter(made);
    }
}

// --- prompts ------------------------------------------------------------------------------------

void Processor::set_prompt(int slot, const juce::String& text) {
    if (text.toStdString() == plugin_.prompt(slot)) return;
    plugin_.set_prompt(slot, text.toStdString());
    updateHostDisplay(ChangeDetails().withNonParameterStateChanged(true));
}

void Processor::pick(int slot) {
    for (int i = 0; i < antiphon::kPromptSlots; ++i)
        parameter(antiphon::id::weight_1 + i).set_by_hand(i == slot ? 1.0f : 0.0f);
}

// A program change took effect on the audio thread; here the host learns of it.
void Processor::timerCallback() {
    if (const int picked = plugin_.take_picked(); picked > 0) pick(picked - 1);
    if (const std::string take = plugin_.take(); std::exchange(take_, take) != take)
        updateHostDisplay(ChangeDetails().withNonParameterStateChanged(true));
}

// --- audio --------------------------------------------------------------------------------------

void Processor::prepareToPlay(double rate, int block) {
    rate_ = rate > 0.0 ? rate : antiphon::kLinkRate;
    in_.setSize(2, kMaxChunk);
    out_.setSize(2, kMaxChunk);
    plugin_.activate(rate_, static_cast<std::size_t>(juce::jmax(1, block)));
    setLatencySamples(0);
    startTimerHz(kPickPollHz);
}

bool Processor::isBusesLayoutSupported(const BusesLayout& layout) const {
    const auto in = layout.getMainInputChannelSet(), out = layout.getMainOutputChannelSet();
    const bool is_out =
        out == juce::AudioChannelSet::stereo() || out == juce::AudioChannelSet::mono();
    const bool is_in = in.isDisabled() || in == juce::AudioChannelSet::stereo() ||
                       in == juce::AudioChannelSet::mono();
    return is_out && is_in;
}

void Processor::processBlock(juce::AudioBuffer<float>& audio, juce::MidiBuffer& midi) {
    const juce::ScopedNoDenormals quick;
    const int total = audio.getNumSamples();
    const double link_per_host = antiphon::kLinkRate / rate_;
    antiphon::Block block;
    block.is_offline = isNonRealtime();
    block.midi = midi_;
    block.midi_count = static_cast<std::size_t>(read_midi(midi));
    const antiphon::HostTime said = host_time();
    int done = 0;
    do {
        const int count = juce::jmin(kMaxChunk, total - done);
        block.frames = static_cast<std::size_t>(count);
        block.time = said.later(done * link_per_host);
        bring_in(audio, done, count);
        block.in = in_.getArrayOfReadPointers();
        block.out = out_.getArrayOfWritePointers();
        plugin_.process(block);
        take_out(audio, done, count);
        block.midi_count = 0;
        done += count;
    } while (done < total);
}

// Mono is heard on both sides, and nothing is silence.
void Processor::bring_in(const juce::AudioBuffer<float>& audio, int start, int count) noexcept {
    const int channels = getMainBusNumInputChannels();
    for (int channel = 0; channel < 2; ++channel) {
        if (channels == 0) in_.clear(channel, 0, count);
        if (channels > 0)
            in_.copyFrom(channel, 0, audio, juce::jmin(channel, channels - 1), start, count);
    }
}

void Processor::take_out(juce::AudioBuffer<float>& audio, int start, int count) noexcept {
    const int channels = getMainBusNumOutputChannels();
    if (channels == 1) {
        out_.addFrom(0, 0, out_, 1, 0, count);
        out_.applyGain(0, 0, count, 0.5f);
    }
    for (int channel = 0; channel < juce::jmin(2, channels); ++channel)
        audio.copyFrom(channel, start, out_, channel, 0, count);
}

antiphon::HostTime Processor::host_time() const {
    antiphon::HostTime time;
    auto* head = getPlayHead();
    const auto position = head != nullptr ? head->getPosition() : juce::nullopt;
    if (!position.hasValue()) return time;
    if (const auto quarter = position->getPpqPosition()) time.quarter = *quarter;
    if (const auto samples = position->getTimeInSamples())
        time.seconds = static_cast<double>(*samples) / rate_;
    if (const auto bpm = position->getBpm()) time.bpm = *bpm;
    if (const auto bar = position->getPpqPositionOfLastBarStart()) time.bar_quarter = *bar;
    if (const auto signature = position->getTimeSignature())
        time.signature = antiphon::Signature{signature->numerator, signature->denominator};
    if (const auto loop = position->getLoopPoints(); loop && position->getIsLooping())
        time.loop = antiphon::Loop{loop->ppqStart, loop->ppqEnd};
    // A host that says nothing of a song has none that could be stopped.
    time.has_transport = position->getIsPlaying() || time.quarter || time.bpm;
    time.is_playing = position->getIsPlaying() || !time.has_transport;
    return time;
}

// Read from the bytes: a juce::MidiMessage may allocate.
int Processor::read_midi(const juce::MidiBuffer& midi) noexcept {
    using Kind = antiphon::Midi::Kind;
    int count = 0;
    for (const auto event : midi) {
        if (count == kMaxMidi || event.numBytes < 2) continue;
        const int what = event.data[0] & 0xf0, number = event.data[1] & 0x7f;
        const int strength = event.numBytes > 2 ? event.data[2] : 0;
        const auto add = [&](Kind kind) {
            midi_[count++] = {kind, static_cast<std::uint8_t>(number)};
        };
        if (what == 0x90 && strength > 0) add(Kind::note_on);
        if (what == 0x80 || (what == 0x90 && strength == 0)) add(Kind::note_off);
        if (what == 0xb0 && (number == 120 || number == 123)) add(Kind::all_off);
        if (what == 0xc0) add(Kind::program);
    }
    return count;
}

juce::AudioProcessorParameter* Processor::getBypassParameter() const {
    return parameters_[antiphon::id::bypass];
}

// Music goes on for ever, also where nothing comes in.
double Processor::getTailLengthSeconds() const { return std::numeric_limits<double>::infinity(); }

juce::AudioProcessorEditor* Processor::createEditor() { return new Editor(*this); }

// --- state --------------------------------------------------------------------------------------

void Processor::getStateInformation(juce::MemoryBlock& state) {
    const std::string text = plugin_.save();
    state.append(text.data(), text.size());
}

void Processor::setStateInformation(const void* state, int size) {
    if (!plugin_.restore({static_cast<const char*>(state), static_cast<std::size_t>(size)})) return;
    take_ = plugin_.take();
    for (auto* parameter : parameters_)
        parameter->sendValueChangedMessageToListeners(parameter->getValue());
}

juce::AudioProcessor* JUCE_CALLTYPE createPluginFilter() { return new Processor(); }
