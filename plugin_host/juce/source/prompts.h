// The eight prompts: a text, a weight and a button each.
//
// In:  what is typed and dragged. Out: prompts and weights of the processor. A text is taken over
// with Return, or when the field is left; until then nothing changes in the music. The space bar
// and all other keys stay in the field. Message thread.

#pragma once

#include <array>
#include <memory>

#include "look.h"
#include "processor.h"

// A weight from -2 to 2, drawn from the middle; a double click puts it to its start.
class WeightBar final : public juce::Component, public juce::SettableTooltipClient {
  public:
    WeightBar(HostParameter& parameter, juce::Colour colour);
    void refresh();
    void paint(juce::Graphics&) override;
    void mouseDown(const juce::MouseEvent&) override;
    void mouseDrag(const juce::MouseEvent&) override;
    void mouseUp(const juce::MouseEvent&) override;
    void mouseDoubleClick(const juce::MouseEvent&) override;
    void mouseWheelMove(const juce::MouseEvent&, const juce::MouseWheelDetails&) override;

  private:
    HostParameter& parameter_;
    juce::Colour colour_;
    float shown_ = 0.0f, begun_ = 0.0f;
};

class PromptRow final : public juce::Component, private juce::TextEditor::Listener {
  public:
    PromptRow(Processor& processor, int slot);
    // Show what the processor has, unless it is being typed over.
    void refresh();
    void paint(juce::Graphics&) override;
    void resized() override;
    void mouseUp(const juce::MouseEvent&) override;
    bool is_typing() const { return field_.hasKeyboardFocus(true); }

  private:
    void textEditorReturnKeyPressed(juce::TextEditor&) override;
    void textEditorEscapeKeyPressed(juce::TextEditor&) override;
    void textEditorFocusLost(juce::TextEditor&) override;
    juce::Rectangle<int> key() const { return {8, (getHeight() - 28) / 2, 28, 28}; }

    Processor& processor_;
    int slot_;
    juce::TextEditor field_;
    WeightBar weight_;
    float shown_ = -9.0f;
};

class PromptList final : public juce::Component {
  public:
    explicit PromptList(Processor& processor);
    void refresh();
    void resized() override;
    bool is_typing() const;

  private:
    std::array<std::unique_ptr<PromptRow>, antiphon::kPromptSlots> rows_;
};
