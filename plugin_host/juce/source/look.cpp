#include "look.h"

#include <array>

namespace look {
namespace {

constexpr float kRound = 6.0f;

// The first of these that is installed; all of them are made for screens.
juce::String face() {
    static const juce::String found = [] {
        const juce::StringArray there = juce::Font::findAllTypefaceNames();
        for (const char* name : {"Inter", "Cantarell", "Noto Sans", "Open Sans", "DejaVu Sans"})
            if (there.contains(name)) return juce::String(name);
        return juce::Font::getDefaultSansSerifFontName();
    }();
    return found;
}

}  // namespace

juce::Colour of_prompt(int slot) {
    static const std::array<juce::Colour, 8> colours = {
        juce::Colour{0xffeab05e}, juce::Colour{0xffe58a6b}, juce::Colour{0xffd9789c},
        juce::Colour{0xffa98be0}, juce::Colour{0xff7d9cec}, juce::Colour{0xff5fb6d6},
        juce::Colour{0xff63c2ae}, juce::Colour{0xffa3c46f}};
    return colours[static_cast<std::size_t>(slot) % colours.size()];
}

juce::Font text(float height) { return juce::Font(face(), height, juce::Font::plain); }
juce::Font strong(float height) { return juce::Font(face(), height, juce::Font::bold); }

void draw_caption(juce::Graphics& g, const juce::String& words, juce::Rectangle<float> area) {
    g.setColour(dim.brighter(0.25f));
    g.setFont(strong(11.0f).withExtraKerningFactor(0.08f));
    g.drawText(words.toUpperCase(), area, juce::Justification::centredLeft);
}

Look::Look() {
    setColour(juce::ResizableWindow::backgroundColourId, ground);
    setColour(juce::TextEditor::textColourId, ink);
    setColour(juce::TextEditor::highlightColourId, cool.withAlpha(0.35f));
    setColour(juce::TextEditor::highlightedTextColourId, ink);
    setColour(juce::CaretComponent::caretColourId, warm);
    setColour(juce::ComboBox::textColourId, ink);
    setColour(juce::PopupMenu::backgroundColourId, raised);
    setColour(juce::PopupMenu::textColourId, ink);
    setColour(juce::PopupMenu::highlightedBackgroundColourId, cool.withAlpha(0.25f));
    setColour(juce::PopupMenu::highlightedTextColourId, ink);
    setColour(juce::TooltipWindow::backgroundColourId, raised);
    setColour(juce::TooltipWindow::textColourId, ink);
    setColour(juce::TooltipWindow::outlineColourId, line);
    setColour(juce::Label::textColourId, ink);
}

void Look::drawRotarySlider(juce::Graphics& g, int x, int y, int width, int height, float place,
                            float start, float end, juce::Slider& slider) {
    const auto area = juce::Rectangle<int>(x, y, width, height).toFloat().reduced(5.0f);
    const float radius = juce::jmin(area.getWidth(), area.getHeight()) / 2.0f;
    const auto centre = area.getCentre();
    const bool is_left = slider.getProperties()["left"];  // "not given"
    const auto colour = is_left ? dim : warm;
    const float angle = start + place * (end - start);
    const juce::PathStrokeType stroke(3.0f, juce::PathStrokeType::curved,
                                      juce::PathStrokeType::rounded);
    juce::Path track, arc;
    track.addCentredArc(centre.x, centre.y, radius, radius, 0.0f, start, end, true);
    g.setColour(line);
    g.strokePath(track, stroke);
    if (!is_left) {
        const float from =
            slider.getProperties().contains("centre")
                ? start + static_cast<float>(slider.getProperties()["centre"]) * (end - start)
                : start;
        arc.addCentredArc(centre.x, centre.y, radius, radius, 0.0f, from, angle, true);
        g.setColour(slider.isMouseOverOrDragging() ? colour.brighter(0.2f) : colour);
        g.strokePath(arc, stroke);
    }
    const float inner = radius - 7.0f;
    g.setGradientFill({raised.brighter(0.12f), centre.x, centre.y - inner, raised, centre.x,
                       centre.y + inner, false});
    g.fillEllipse(juce::Rectangle<float>(2.0f * inner, 2.0f * inner).withCentre(centre));
    if (is_left) return;
    const auto tip = centre.getPointOnCircumference(inner - 3.0f, angle);
    const auto root = centre.getPointOnCircumference(inner * 0.45f, angle);
    g.setColour(ink);
    g.drawLine({root, tip}, 2.0f);
}

void Look::drawButtonBackground(juce::Graphics& g, juce::Button& button, const juce::Colour&,
                                bool is_over, bool is_down) {
    const auto area = button.getLocalBounds().toFloat().reduced(0.5f);
    const bool is_on = button.getToggleState();
    const bool warns = button.getProperties()["warns"];
    const auto on = warns ? wrong : warm;
    auto fill = is_on ? on.withAlpha(0.16f) : raised;
    if (is_over) fill = fill.brighter(0.08f);
    if (is_down) fill = on.withAlpha(0.3f);
    g.setColour(fill);
    g.fillRoundedRectangle(area, kRound);
    g.setColour(is_on ? on.withAlpha(0.75f) : line);
    g.drawRoundedRectangle(area, kRound, 1.0f);
}

void Look::drawButtonText(juce::Graphics& g, juce::TextButton& button, bool, bool) {
    const bool warns = button.getProperties()["warns"];
    g.setFont(text(14.0f));
    g.setColour(button.getToggleState() ? (warns ? wrong : warm) : ink);
    g.drawFittedText(button.getButtonText(), button.getLocalBounds().reduced(4, 0),
                     juce::Justification::centred, 1, 0.85f);
}

void Look::drawComboBox(juce::Graphics& g, int width, int height, bool, int, int, int, int,
                        juce::ComboBox& box) {
    auto area = juce::Rectangle<int>(width, height).toFloat().reduced(0.5f);
    g.setColour(box.isMouseOver(true) ? raised.brighter(0.08f) : raised);
    g.fillRoundedRectangle(area, kRound);
    g.setColour(line);
    g.drawRoundedRectangle(area, kRound, 1.0f);
    juce::Path arrow;
    const auto tip = area.removeFromRight(20.0f).getCentre();
    arrow.startNewSubPath(tip.translated(-4.0f, -2.0f));
    arrow.lineTo(tip.translated(0.0f, 2.5f));
    arrow.lineTo(tip.translated(4.0f, -2.0f));
    g.setColour(faint);
    g.strokePath(arrow, juce::PathStrokeType(1.5f));
}

void Look::positionComboBoxText(juce::ComboBox& box, juce::Label& label) {
    label.setBounds(box.getLocalBounds().withTrimmedRight(18).withTrimmedLeft(4));
    label.setFont(getComboBoxFont(box));
}

void Look::fillTextEditorBackground(juce::Graphics& g, int width, int height,
                                    juce::TextEditor& field) {
    g.setColour(field.hasKeyboardFocus(true) ? ground : ground.withAlpha(0.55f));
    g.fillRoundedRectangle(juce::Rectangle<int>(width, height).toFloat(), kRound);
}

void Look::drawTextEditorOutline(juce::Graphics& g, int width, int height,
                                 juce::TextEditor& field) {
    g.setColour(field.hasKeyboardFocus(true) ? cool.withAlpha(0.8f) : line);
    g.drawRoundedRectangle(juce::Rectangle<int>(width, height).toFloat().reduced(0.5f), kRound,
                           1.0f);
}

}  // namespace look
