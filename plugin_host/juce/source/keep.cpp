#include "keep.h"

#include <cmath>

namespace {

constexpr int kStartBars = 4, kBits = 24;
constexpr int kMaxName = 40;  // characters of the prompt in a file's name

juce::File folder() {
    const juce::String named = juce::SystemStats::getEnvironmentVariable("XDG_DATA_HOME", {});
    const auto data = named.isNotEmpty()
                          ? juce::File(named)
                          : juce::File::getSpecialLocation(juce::File::userHomeDirectory)
                                .getChildFile(".local/share");
    return data.getChildFile("antiphon/takes/kept");
}

// The prompt that is heard most.
juce::String loudest_prompt(Processor& processor) {
    int best = -1;
    float most = 0.0f;
    for (int slot = 0; slot < antiphon::kPromptSlots; ++slot) {
        const float weight = processor.parameter(antiphon::id::weight_1 + slot).value();
        if (weight > most && !processor.plugin().prompt(slot).empty()) {
            best = slot;
            most = weight;
        }
    }
    return best < 0 ? juce::String()
                    : juce::String::fromUTF8(processor.plugin().prompt(best).c_str());
}

}  // namespace

juce::File keep::write(Processor& processor, int bars, juce::String& reason) {
    const antiphon::Kept kept = processor.plugin().keep(bars);
    if (kept.frames.empty()) {
        reason = "Nothing was heard yet.";
        return {};
    }
    const juce::String prompt = loudest_prompt(processor);
    const auto seed = static_cast<int>(processor.plugin().value(antiphon::id::seed));
    const auto bpm = juce::String(kept.bpm, std::fmod(kept.bpm, 1.0) == 0.0 ? 0 : 1);
    const juce::String name = juce::Time::getCurrentTime().formatted("%Y-%m-%d %H-%M-%S ") +
                              prompt.substring(0, kMaxName) + " " + bpm + "bpm seed" +
                              juce::String(seed);
    const juce::File file = folder().getChildFile(juce::File::createLegalFileName(name) + ".wav");
    folder().createDirectory();
    auto stream = file.createOutputStream();
    if (stream == nullptr) {
        reason = folder().getFullPathName() + " cannot be written to.";
        return {};
    }
    const juce::StringPairArray facts = juce::WavAudioFormat::createBWAVMetadata(
        "prompt: " + prompt + "; bpm: " + bpm + "; seed: " + juce::String(seed), "Antiphon", {},
        juce::Time::getCurrentTime(), 0, {});
    juce::WavAudioFormat format;
    std::unique_ptr<juce::AudioFormatWriter> writer(
        format.createWriterFor(stream.get(), antiphon::kLinkRate, 2, kBits, facts, 0));
    if (writer == nullptr) return {};
    stream.release();  // the writer's now
    const int count = static_cast<int>(kept.frames.size() / 2);
    juce::AudioBuffer<float> audio(2, count);
    for (int i = 0; i < count; ++i)
        for (int channel = 0; channel < 2; ++channel)
            audio.setSample(channel, i, kept.frames[static_cast<std::size_t>(2 * i + channel)]);
    writer->writeFromAudioSampleBuffer(audio, 0, count);
    return file;
}

KeepButton::KeepButton(Processor& processor) : processor_(processor) {
    set_bars(bars());
    setTooltip("Keep the last bars as a WAV file; drag it to a track.");
    setWantsKeyboardFocus(false);
}

int KeepButton::bars() const {
    return juce::jlimit(
        1, kMaxBars, juce::roundToInt(processor_.plugin().editor_value("keep_bars", kStartBars)));
}

void KeepButton::set_bars(int bars) {
    processor_.plugin().set_editor_value("keep_bars", bars);
    setButtonText("Keep " + juce::String(bars) + (bars == 1 ? " bar" : " bars"));
}

juce::File KeepButton::keep() {
    juce::String reason;
    const juce::File file = keep::write(processor_, bars(), reason);
    if (say) say(file == juce::File() ? reason : "Kept as " + file.getFileName());
    return file;
}

void KeepButton::mouseDown(const juce::MouseEvent& event) {
    is_dragged_ = false;
    juce::TextButton::mouseDown(event);
}

void KeepButton::mouseDrag(const juce::MouseEvent& event) {
    if (is_dragged_ || event.getDistanceFromDragStart() < 8) return;
    is_dragged_ = true;
    const juce::File file = keep();
    if (file != juce::File())
        juce::DragAndDropContainer::performExternalDragDropOfFiles({file.getFullPathName()}, false,
                                                                   this);
}

void KeepButton::mouseUp(const juce::MouseEvent& event) {
    if (!is_dragged_ && getLocalBounds().contains(event.getPosition())) keep();
    juce::TextButton::mouseUp(event);
}
