// The editor: everything above, laid out on one sheet that scales as a whole.
//
// In:  the processor, asked 30 times a second how it is. Out: nothing that closing it would lose.
// Keys 1 to 8 pick prompts while no field is typed into; every other key is left to the host.
// Message thread.

#pragma once

#include <memory>
#include <vector>

#include "keep.h"
#include "look.h"
#include "pad.h"
#include "processor.h"
#include "prompts.h"
#include "ribbon.h"
#include "strip.h"
#include "words.h"

// The sheet, at its own size.
class Sheet final : public juce::Component, private juce::Timer {
  public:
    static constexpr int kWidth = 1000, kHeight = 690;

    explicit Sheet(Processor& processor);
    void paint(juce::Graphics&) override;
    void resized() override;
    bool is_typing() const { return prompts_.is_typing(); }

  private:
    void timerCallback() override;
    void draw_head(juce::Graphics&) const;
    void draw_foot(juce::Graphics&) const;
    void add_steppers();
    juce::Colour colour_of_loudest() const;
    void tell(juce::String words);
    template <typename Made, typename... More>
    Made* add(int parameter, More&&... more);

    Processor& processor_;
    PromptList prompts_;
    Pad pad_;
    Ribbon ribbon_;
    Meter in_{look::faint}, out_{look::cool}, ready_{look::cool};
    KeepButton keep_;
    juce::TextButton panic_{"Panic"}, dice_{"New seed"};
    std::vector<std::unique_ptr<Control>> controls_;
    std::vector<Knob*> knobs_;
    std::vector<std::unique_ptr<Stepper>> steppers_;
    Segments *mode_, *quantise_;
    Choice *key_, *drums_, *stop_, *buffer_, *take_;
    Number* seed_;
    Switch *freeze_, *same_, *notes_, *chords_, *bypass_;
    antiphon::View view_;
    words::Said said_;
    juce::String song_, health_, told_, remark_;
    juce::uint32 told_at_ = 0;
};

class Editor final : public juce::AudioProcessorEditor {
  public:
    explicit Editor(Processor& processor);
    ~Editor() override;
    void paint(juce::Graphics& g) override { g.fillAll(look::ground); }
    void resized() override;
    bool keyPressed(const juce::KeyPress&) override;
    void mouseDown(const juce::MouseEvent&) override { giveAwayKeyboardFocus(); }

  private:
    Processor& processor_;
    look::Look look_;
    Sheet sheet_;
    juce::TooltipWindow tips_{this, 900};
};
