// The pad: all prompts round an oval, and a point between them that mixes by nearness.
//
// In:  where the point is dragged. Out: weights that add up to 1, of the prompts that have a text.
// Where weights come from elsewhere, the point shows their centre. Message thread.

#pragma once

#include <array>

#include "look.h"
#include "processor.h"

class Pad final : public juce::Component, public juce::SettableTooltipClient {
  public:
    explicit Pad(Processor& processor);
    void refresh();
    void paint(juce::Graphics&) override;
    void mouseDown(const juce::MouseEvent&) override;
    void mouseDrag(const juce::MouseEvent&) override;
    void mouseUp(const juce::MouseEvent&) override;

  private:
    using Weights = std::array<float, antiphon::kPromptSlots>;

    juce::Point<float> place_of(int slot) const;
    juce::Point<float> centre_of_weights() const;
    bool has_text(int slot) const { return texts_[static_cast<std::size_t>(slot)]; }
    void mix_at(juce::Point<float> point);

    Processor& processor_;
    Weights shown_{};
    std::array<bool, antiphon::kPromptSlots> texts_{};
    juce::Point<float> held_;
    bool is_held_ = false;
};
