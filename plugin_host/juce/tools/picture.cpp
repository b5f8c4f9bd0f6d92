// A picture of the editor, as a program: for the docs, and for looking at what was changed.
//
//     antiphon_picture OUT.png [--state=FILE] [--seconds=6] [--pick=2] [--scale=2] [--width=1000]
//     [--stopped]
//
// In:  a project's state, and an engine if one is to be found. Out: a PNG of the editor after so
// many seconds of a song at 120 bpm, played in real time; a prompt may be picked 2 s before. Needs
// a display, such as xvfb-run gives.

#include <juce_audio_utils/juce_audio_utils.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "../source/processor.h"

namespace {

constexpr double kRate = 48000.0, kBpm = 120.0;
constexpr int kBlock = 512;

// A host's transport: a song in 4/4 that begins in bar 5.
class Song final : public juce::AudioPlayHead {
  public:
    explicit Song(bool is_playing) : is_playing_(is_playing) {}
    void advance(int samples) { quarter_ += is_playing_ ? samples / kRate * kBpm / 60.0 : 0.0; }

    juce::Optional<PositionInfo> getPosition() const override {
        PositionInfo info;
        info.setPpqPosition(quarter_);
        info.setPpqPositionOfLastBarStart(std::floor(quarter_ / 4.0) * 4.0);
        info.setTimeInSamples(static_cast<juce::int64>(quarter_ * 60.0 / kBpm * kRate));
        info.setBpm(kBpm);
        info.setTimeSignature(TimeSignature{4, 4});
        info.setIsPlaying(is_playing_);
        return info;
    }

  private:
    bool is_playing_;
    double quarter_ = 16.0;
};

void play(Processor& processor, Song& song, const std::atomic<bool>& is_ending) {
    juce::AudioBuffer<float> audio(2, kBlock);
    juce::MidiBuffer midi;
    auto due = std::chrono::steady_clock::now();
    while (!is_ending) {
        audio.clear();
        processor.processBlock(audio, midi);
        song.advance(kBlock);
        due += std::chrono::microseconds(static_cast<int>(1e6 * kBlock / kRate));
        std::this_thread::sleep_until(due);
    }
}

bool write(const juce::Image& image, const juce::File& file) {
    file.deleteFile();
    juce::FileOutputStream stream(file);
    return stream.openedOk() && juce::PNGImageFormat().writeImageToStream(image, stream);
}

double number(const juce::ArgumentList& words, const char* option, double otherwise) {
    return words.containsOption(option) ? words.getValueForOption(option).getDoubleValue()
                                        : otherwise;
}

}  // namespace

int main(int count, char** given) {
    const juce::ArgumentList words(count, given);
    if (words.size() == 0 || words[0].isOption()) {
        std::fprintf(stderr, "no file was named. Say: antiphon_picture OUT.png\n");
        return 2;
    }
    const juce::ScopedJuceInitialiser_GUI gui;
    Processor processor;
    if (words.containsOption("--state")) {
        const juce::String state = words.getFileForOption("--state").loadFileAsString();
        processor.setStateInformation(state.toRawUTF8(),
                                      static_cast<int>(state.getNumBytesAsUTF8()));
    }
    Song song(!words.containsOption("--stopped"));
    processor.setPlayHead(&song);
    processor.setRateAndBufferSizeDetails(kRate, kBlock);
    processor.prepareToPlay(kRate, kBlock);
    std::unique_ptr<juce::AudioProcessorEditor> editor(processor.createEditor());
    const auto width = juce::roundToInt(number(words, "--width", editor->getWidth()));
    editor->setSize(width, width * editor->getHeight() / editor->getWidth());
    editor->setVisible(true);
    std::atomic<bool> is_ending{false};
    std::thread audio([&] { play(processor, song, is_ending); });
    bool is_written = false;
    const double seconds = number(words, "--seconds", 6.0);
    const auto picked = juce::roundToInt(number(words, "--pick", 0.0));
    if (picked > 0)
        juce::Timer::callAfterDelay(juce::roundToInt(1000.0 * seconds - 2000.0),
                                    [&] { processor.pick(picked - 1); });
    juce::Timer::callAfterDelay(juce::roundToInt(1000.0 * seconds), [&] {
        const auto scale = static_cast<float>(number(words, "--scale", 1.0));
        const juce::Image image =
            editor->createComponentSnapshot(editor->getLocalBounds(), true, scale);
        is_written = write(image, words[0].resolveAsFile());
        juce::MessageManager::getInstance()->stopDispatchLoop();
    });
    juce::MessageManager::getInstance()->runDispatchLoop();
    is_ending = true;
    audio.join();
    editor.reset();
    processor.releaseResources();
    if (!is_written) std::fprintf(stderr, "%s cannot be written\n", words[0].text.toRawUTF8());
    return is_written ? 0 : 2;
}
