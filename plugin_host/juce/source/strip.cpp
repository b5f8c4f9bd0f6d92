#include "strip.h"

#include <cmath>

using antiphon::Kind;

// --- knob ---------------------------------------------------------------------------------------

Knob::Knob(HostParameter& parameter) : Control(parameter) {
    slider_.setSliderStyle(juce::Slider::RotaryHorizontalVerticalDrag);
    slider_.setTextBoxStyle(juce::Slider::NoTextBox, true, 0, 0);
    const int steps = parameter.isDiscrete() ? parameter.getNumSteps() : 0;
    slider_.setRange(0.0, 1.0, steps > 1 ? 1.0 / (steps - 1) : 0.0);
    slider_.setDoubleClickReturnValue(true, parameter.getDefaultValue());
    slider_.setTooltip(juce::String(parameter.row().help));
    slider_.setTitle(parameter.row().label);
    if (parameter.row().low < 0.0f && !parameter.row().can_be_left)
        slider_.getProperties().set("centre", parameter.normal_of(0.0f));
    slider_.onDragStart = [this] { parameter_.beginChangeGesture(); };
    slider_.onDragEnd = [this] { parameter_.endChangeGesture(); };
    slider_.onValueChange = [this] {
        parameter_.setValueNotifyingHost(static_cast<float>(slider_.getValue()));
        refresh();
    };
    addAndMakeVisible(slider_);
    refresh();
}

void Knob::refresh() {
    const float normal = parameter_.getValue();
    const bool is_left = std::isnan(parameter_.value());
    const bool is_same = std::abs(slider_.getValue() - static_cast<double>(normal)) < 1e-6 &&
                         static_cast<bool>(slider_.getProperties()["left"]) == is_left;
    slider_.getProperties().set("left", is_left);
    if (!slider_.isMouseButtonDown()) slider_.setValue(normal, juce::dontSendNotification);
    if (!is_same || slider_.isMouseButtonDown()) repaint();
}

void Knob::paint(juce::Graphics& g) {
    const bool is_left = std::isnan(parameter_.value());
    g.setFont(look::text(12.5f));
    g.setColour(look::faint);
    g.drawFittedText(parameter_.row().label, getLocalBounds().removeFromTop(16),
                     juce::Justification::centred, 1, 0.8f);
    g.setColour(is_left ? look::dim.brighter(0.2f) : look::ink);
    const juce::String words =
        is_left ? juce::String("auto") : parameter_.words(parameter_.value());
    g.drawFittedText(words, getLocalBounds().removeFromBottom(16), juce::Justification::centred, 1,
                     0.8f);
}

void Knob::resized() {
    slider_.setBounds(getLocalBounds().withTrimmedTop(15).withTrimmedBottom(15));
}

// --- list ---------------------------------------------------------------------------------------

Choice::Choice(HostParameter& parameter) : Control(parameter) {
    const juce::StringArray words = parameter.getAllValueStrings();
    for (int i = 0; i < words.size(); ++i)
        box_.addItem(parameter.row().can_be_left && i == 0 ? juce::String("auto") : words[i],
                     i + 1);
    box_.setTooltip(juce::String(parameter.row().help));
    box_.setTitle(parameter.row().label);
    box_.onChange = [this] {
        const int count = parameter_.getNumSteps();
        const float normal =
            static_cast<float>(box_.getSelectedItemIndex()) / static_cast<float>(count - 1);
        parameter_.set_by_hand(parameter_.value_at(normal));
    };
    addAndMakeVisible(box_);
    refresh();
}

void Choice::refresh() {
    const int index =
        juce::roundToInt(parameter_.getValue() * static_cast<float>(parameter_.getNumSteps() - 1));
    if (box_.getSelectedItemIndex() != index)
        box_.setSelectedItemIndex(index, juce::dontSendNotification);
}

void Choice::paint(juce::Graphics& g) {
    look::draw_caption(g, parameter_.row().label, getLocalBounds().removeFromTop(14).toFloat());
}

void Choice::resized() { box_.setBounds(getLocalBounds().withTrimmedTop(16)); }

// --- row of buttons -----------------------------------------------------------------------------

Segments::Segments(HostParameter& parameter) : Control(parameter) {
    setTitle(parameter.row().label);
    refresh();
}

void Segments::refresh() {
    const int now = juce::roundToInt(parameter_.value());
    if (std::exchange(shown_, now) != now) repaint();
}

int Segments::at(juce::Point<float> point) const {
    if (!bar().contains(point)) return -1;
    const int count = parameter_.row().choice_count;
    return juce::jlimit(
        0, count - 1,
        static_cast<int>((point.x - bar().getX()) / bar().getWidth() * static_cast<float>(count)));
}

void Segments::paint(juce::Graphics& g) {
    look::draw_caption(g, parameter_.row().label, getLocalBounds().removeFromTop(14).toFloat());
    const int count = parameter_.row().choice_count;
    const auto area = bar().reduced(0.5f);
    g.setColour(look::raised);
    g.fillRoundedRectangle(area, 7.0f);
    const float width = area.getWidth() / static_cast<float>(count);
    g.setFont(look::text(14.0f));
    for (int i = 0; i < count; ++i) {
        const auto part = area.withX(area.getX() + static_cast<float>(i) * width).withWidth(width);
        if (i == shown_) {
            g.setColour(look::warm);
            g.fillRoundedRectangle(part.reduced(2.5f), 5.0f);
        }
        g.setColour(i == shown_ ? look::ground : (i == over_ ? look::ink : look::faint));
        const juce::String word(parameter_.row().choices[i]);
        g.drawFittedText(word.substring(0, 1).toUpperCase() + word.substring(1),
                         part.toNearestInt().reduced(3, 0), juce::Justification::centred, 1, 0.8f);
    }
    g.setColour(look::line);
    g.drawRoundedRectangle(area, 7.0f, 1.0f);
}

void Segments::mouseUp(const juce::MouseEvent& event) {
    const int chosen = at(event.position);
    if (chosen >= 0 && chosen != shown_) parameter_.set_by_hand(static_cast<float>(chosen));
    refresh();
}

void Segments::mouseMove(const juce::MouseEvent& event) {
    if (const int now = at(event.position); std::exchange(over_, now) != now) repaint();
}

void Segments::mouseExit(const juce::MouseEvent&) {
    over_ = -1;
    repaint();
}

// --- switch -------------------------------------------------------------------------------------

Switch::Switch(HostParameter& parameter, const juce::String& words)
    : Control(parameter), button_(words) {
    button_.setTooltip(juce::String(parameter.row().help));
    button_.setClickingTogglesState(true);
    button_.setWantsKeyboardFocus(false);
    button_.onClick = [this] { parameter_.set_by_hand(button_.getToggleState() ? 1.0f : 0.0f); };
    addAndMakeVisible(button_);
    refresh();
}

void Switch::refresh() {
    button_.setToggleState(parameter_.value() >= 0.5f, juce::dontSendNotification);
}

// --- number -------------------------------------------------------------------------------------

Number::Number(HostParameter& parameter) : Control(parameter) {
    slider_.setSliderStyle(juce::Slider::IncDecButtons);
    slider_.setIncDecButtonsMode(juce::Slider::incDecButtonsDraggable_Vertical);
    slider_.setRange(static_cast<double>(parameter.row().low),
                     static_cast<double>(parameter.row().high), 1.0);
    slider_.setTextBoxStyle(juce::Slider::TextBoxLeft, false, 78, 28);
    slider_.setColour(juce::Slider::textBoxOutlineColourId, look::line);
    slider_.setColour(juce::Slider::textBoxBackgroundColourId, look::raised);
    slider_.setColour(juce::Slider::textBoxTextColourId, look::ink);
    slider_.setTooltip(juce::String(parameter.row().help));
    slider_.onValueChange = [this] {
        parameter_.set_by_hand(static_cast<float>(slider_.getValue()));
    };
    addAndMakeVisible(slider_);
    refresh();
}

void Number::refresh() {
    if (!slider_.isMouseButtonDown(true) &&
        slider_.getValue() != static_cast<double>(parameter_.value()))
        slider_.setValue(static_cast<double>(parameter_.value()), juce::dontSendNotification);
}

void Number::paint(juce::Graphics& g) {
    look::draw_caption(g, parameter_.row().label, getLocalBounds().removeFromTop(14).toFloat());
}

void Number::resized() { slider_.setBounds(getLocalBounds().withTrimmedTop(16)); }

// --- stepper ------------------------------------------------------------------------------------

Stepper::Bound Stepper::of(HostParameter& parameter) {
    return {juce::roundToInt(parameter.row().low), juce::roundToInt(parameter.row().high),
            [&parameter] { return juce::roundToInt(parameter.value()); },
            [&parameter](int value) { parameter.set_by_hand(static_cast<float>(value)); }};
}

Stepper::Stepper(juce::String caption, juce::String help, Bound bound)
    : caption_(std::move(caption)), bound_(std::move(bound)) {
    setTooltip(std::move(help));
    setTitle(caption_);
    setMouseCursor(juce::MouseCursor::UpDownResizeCursor);
    refresh();
}

void Stepper::refresh() {
    const int now = bound_.get();
    if (std::exchange(shown_, now) != now) repaint();
}

void Stepper::put(int value) {
    const int bounded = juce::jlimit(bound_.low, bound_.high, value);
    if (bounded != bound_.get()) bound_.set(bounded);
    refresh();
}

void Stepper::paint(juce::Graphics& g) {
    look::draw_caption(g, caption_, getLocalBounds().removeFromTop(14).toFloat());
    g.setColour(isMouseOver() ? look::raised.brighter(0.08f) : look::raised);
    g.fillRoundedRectangle(box(), 6.0f);
    g.setColour(look::line);
    g.drawRoundedRectangle(box(), 6.0f, 1.0f);
    g.setFont(look::text(14.0f));
    g.setColour(look::ink);
    g.drawText(juce::String(shown_), box().withTrimmedRight(14.0f), juce::Justification::centred);
    const auto arrows = box().removeFromRight(20.0f).getCentre();
    for (const float side : {-1.0f, 1.0f}) {
        juce::Path arrow;
        arrow.startNewSubPath(arrows.translated(-3.5f, side * 3.0f));
        arrow.lineTo(arrows.translated(0.0f, side * 6.5f));
        arrow.lineTo(arrows.translated(3.5f, side * 3.0f));
        g.setColour(look::faint);
        g.strokePath(arrow, juce::PathStrokeType(1.4f));
    }
}

void Stepper::mouseDown(const juce::MouseEvent&) { begun_ = bound_.get(); }

void Stepper::mouseDrag(const juce::MouseEvent& event) {
    put(begun_ - event.getDistanceFromDragStartY() / 8);
}

void Stepper::mouseUp(const juce::MouseEvent& event) {
    if (event.mouseWasDraggedSinceMouseDown() || !box().contains(event.position)) return;
    put(bound_.get() + (event.position.y < box().getCentreY() ? 1 : -1));
}

void Stepper::mouseWheelMove(const juce::MouseEvent&, const juce::MouseWheelDetails& wheel) {
    put(bound_.get() + (wheel.deltaY > 0.0f ? 1 : -1));
}
