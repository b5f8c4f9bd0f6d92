// How everything looks: colours, type, and the shapes of knobs, buttons and fields.
//
// Dark and calm: the ground is almost black, one warm colour says "this sounds", one cool one "this
// is ready", one red one "this is wrong". The eight prompts have a colour each, in the list and on
// the pad. Message thread.

#pragma once

#include <juce_gui_basics/juce_gui_basics.h>

namespace look {

inline const juce::Colour ground{0xff111316}, panel{0xff181b20}, raised{0xff21252c},
    line{0xff2c3139}, ink{0xffe9ebee}, faint{0xff9aa1ab}, dim{0xff5d646f}, warm{0xffeab05e},
    cool{0xff63c2ae}, wrong{0xffe5727a};

juce::Colour of_prompt(int slot);

juce::Font text(float height);
juce::Font strong(float height);

// A small line in capitals above something.
void draw_caption(juce::Graphics& g, const juce::String& words, juce::Rectangle<float> area);

class Look final : public juce::LookAndFeel_V4 {
  public:
    Look();

    void drawRotarySlider(juce::Graphics&, int x, int y, int width, int height, float place,
                          float start, float end, juce::Slider&) override;
    void drawButtonBackground(juce::Graphics&, juce::Button&, const juce::Colour&, bool is_over,
                              bool is_down) override;
    void drawButtonText(juce::Graphics&, juce::TextButton&, bool, bool) override;
    void drawComboBox(juce::Graphics&, int width, int height, bool, int, int, int, int,
                      juce::ComboBox&) override;
    void positionComboBoxText(juce::ComboBox&, juce::Label&) override;
    juce::Font getComboBoxFont(juce::ComboBox&) override { return text(14.0f); }
    juce::Font getPopupMenuFont() override { return text(14.0f); }
    juce::Font getTextButtonFont(juce::TextButton&, int) override { return text(14.0f); }
    void fillTextEditorBackground(juce::Graphics&, int width, int height,
                                  juce::TextEditor&) override;
    void drawTextEditorOutline(juce::Graphics&, int width, int height, juce::TextEditor&) override;
};

}  // namespace look
