// Keeping what was just heard: the last bars as a WAV file, to be dragged to a track.
//
// In:  the bars, and what they were made of. Out: a file in the user's takes folder, named by time,
// prompt, tempo and seed, with the same in its header; it stays there after a drag. Message thread.

#pragma once

#include <juce_audio_formats/juce_audio_formats.h>

#include "look.h"
#include "processor.h"

namespace keep {

// Write the last bars; an empty file and a reason if there is nothing to write.
juce::File write(Processor& processor, int bars, juce::String& reason);

}  // namespace keep

// Click: keep. Drag: keep, and drop the file where it is wanted.
class KeepButton final : public juce::TextButton {
  public:
    explicit KeepButton(Processor& processor);
    void mouseDown(const juce::MouseEvent&) override;
    void mouseDrag(const juce::MouseEvent&) override;
    void mouseUp(const juce::MouseEvent&) override;

    std::function<void(juce::String)> say;  // what became of it

    static constexpr int kMaxBars = 16;
    // How many; kept with the project.
    int bars() const;
    void set_bars(int bars);

  private:
    juce::File keep();

    Processor& processor_;
    bool is_dragged_ = false;
};
