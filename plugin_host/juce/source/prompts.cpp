#include "prompts.h"

#include <cmath>

namespace {

constexpr int kWeightWidth = 132;
const char* const kExamples[] = {"warm tape choir over a slow dub, 75 bpm, D minor",
                                 "fast drum and bass with a reese bass",
                                 "solo piano, rubato, rain outside",
                                 "string quartet, hushed, no drums",
                                 "arcade chiptune, C major",
                                 "lo-fi hip-hop, brushed drums, upright bass",
                                 "Scottish folk, fiddle and pipes",
                                 "film score, brass, rising"};

}  // namespace

// --- the weight ---------------------------------------------------------------------------------

WeightBar::WeightBar(HostParameter& parameter, juce::Colour colour)
    : parameter_(parameter), colour_(colour) {
    setTooltip("How much of this prompt is in the mix; left of the middle pushes away from it.");
    setMouseCursor(juce::MouseCursor::LeftRightResizeCursor);
}

void WeightBar::refresh() {
    if (std::exchange(shown_, parameter_.value()) != parameter_.value()) repaint();
}

void WeightBar::paint(juce::Graphics& g) {
    const auto area = getLocalBounds().toFloat().withTrimmedRight(40.0f);
    const auto track = area.withSizeKeepingCentre(area.getWidth(), 6.0f);
    const float centre = track.getCentreX(), value = parameter_.value();
    const float tip = centre + value / 2.0f * track.getWidth() / 2.0f;
    g.setColour(look::line);
    g.fillRoundedRectangle(track, 3.0f);
    g.setColour(value < 0.0f ? look::wrong.withAlpha(0.8f) : colour_);
    g.fillRoundedRectangle(track.withX(juce::jmin(centre, tip)).withWidth(std::abs(tip - centre)),
                           3.0f);
    g.setColour(look::dim);
    g.fillRect(centre - 0.5f, track.getY() - 3.0f, 1.0f, 12.0f);
    g.setColour(isMouseOverOrDragging() ? look::ink : look::ink.withAlpha(0.85f));
    g.fillEllipse(juce::Rectangle<float>(11.0f, 11.0f).withCentre({tip, track.getCentreY()}));
    g.setFont(look::text(13.0f));
    g.setColour(value == 0.0f ? look::dim : look::ink);
    g.drawText(juce::String(value, 2), getLocalBounds().removeFromRight(36),
               juce::Justification::centredRight);
}

void WeightBar::mouseDown(const juce::MouseEvent&) {
    begun_ = parameter_.value();
    parameter_.beginChangeGesture();
}

void WeightBar::mouseDrag(const juce::MouseEvent& event) {
    const float way = 4.0f * static_cast<float>(event.getDistanceFromDragStartX()) /
                      static_cast<float>(getWidth() - 40);
    float value =
        juce::jlimit(-2.0f, 2.0f, begun_ + way * (event.mods.isShiftDown() ? 0.2f : 1.0f));
    if (std::abs(value) < 0.05f && !event.mods.isShiftDown()) value = 0.0f;
    parameter_.setValueNotifyingHost(parameter_.normal_of(value));
    repaint();
}

void WeightBar::mouseUp(const juce::MouseEvent&) { parameter_.endChangeGesture(); }

void WeightBar::mouseDoubleClick(const juce::MouseEvent&) {
    parameter_.set_by_hand(parameter_.row().start);
}

void WeightBar::mouseWheelMove(const juce::MouseEvent&, const juce::MouseWheelDetails& wheel) {
    parameter_.set_by_hand(juce::jlimit(-2.0f, 2.0f, parameter_.value() + 0.5f * wheel.deltaY));
}

// --- a row --------------------------------------------------------------------------------------

PromptRow::PromptRow(Processor& processor, int slot)
    : processor_(processor),
      slot_(slot),
      weight_(processor.parameter(antiphon::id::weight_1 + slot), look::of_prompt(slot)) {
    field_.setFont(look::text(15.0f));
    field_.setIndents(10, 0);
    field_.setJustification(juce::Justification::centredLeft);
    field_.setInputRestrictions(antiphon::kMaxPromptCharacters);
    field_.setTextToShowWhenEmpty(kExamples[slot], look::dim);
    field_.setSelectAllWhenFocused(false);
    field_.addListener(this);
    field_.setTitle("Prompt " + juce::String(slot + 1));
    addAndMakeVisible(field_);
    addAndMakeVisible(weight_);
}

void PromptRow::refresh() {
    weight_.refresh();
    const juce::String text = juce::String::fromUTF8(processor_.plugin().prompt(slot_).c_str());
    if (!is_typing() && field_.getText() != text) field_.setText(text, false);
    const float value = processor_.parameter(antiphon::id::weight_1 + slot_).value();
    if (std::exchange(shown_, value) != value) repaint();
}

void PromptRow::paint(juce::Graphics& g) {
    const auto area = getLocalBounds().toFloat().reduced(0.0f, 1.0f);
    const bool is_empty = field_.isEmpty();
    const float amount = is_empty ? 0.0f : juce::jlimit(0.0f, 1.0f, std::abs(shown_));
    const auto colour = look::of_prompt(slot_);
    g.setColour(look::panel.interpolatedWith(colour, 0.10f * amount));
    g.fillRoundedRectangle(area, 8.0f);
    const auto button = key().toFloat();
    g.setColour(colour.withAlpha(0.15f + 0.85f * amount));
    g.fillRoundedRectangle(button, 7.0f);
    g.setColour(amount > 0.5f ? look::ground : look::ink.withAlpha(is_empty ? 0.45f : 0.9f));
    g.setFont(look::strong(15.0f));
    g.drawText(juce::String(slot_ + 1), button, juce::Justification::centred);
}

void PromptRow::resized() {
    auto area = getLocalBounds().reduced(8, 5).withTrimmedLeft(36);
    weight_.setBounds(area.removeFromRight(kWeightWidth));
    area.removeFromRight(14);
    field_.setBounds(area);
}

void PromptRow::mouseUp(const juce::MouseEvent& event) {
    if (key().contains(event.getPosition())) processor_.pick(slot_);
}

void PromptRow::textEditorReturnKeyPressed(juce::TextEditor&) {
    processor_.set_prompt(slot_, field_.getText());
    giveAwayKeyboardFocus();
}

void PromptRow::textEditorEscapeKeyPressed(juce::TextEditor&) {
    field_.setText(juce::String::fromUTF8(processor_.plugin().prompt(slot_).c_str()), false);
    giveAwayKeyboardFocus();
}

void PromptRow::textEditorFocusLost(juce::TextEditor&) {
    processor_.set_prompt(slot_, field_.getText());
    repaint();
}

// --- all of them --------------------------------------------------------------------------------

PromptList::PromptList(Processor& processor) {
    for (int slot = 0; slot < antiphon::kPromptSlots; ++slot) {
        rows_[static_cast<std::size_t>(slot)] = std::make_unique<PromptRow>(processor, slot);
        addAndMakeVisible(*rows_[static_cast<std::size_t>(slot)]);
    }
}

void PromptList::refresh() {
    for (auto& row : rows_) row->refresh();
}

void PromptList::resized() {
    const float height = static_cast<float>(getHeight()) / antiphon::kPromptSlots;
    for (std::size_t slot = 0; slot < rows_.size(); ++slot) {
        const auto top = juce::roundToInt(static_cast<float>(slot) * height);
        rows_[slot]->setBounds(0, top, getWidth(), juce::roundToInt(height) - 3);
    }
}

bool PromptList::is_typing() const {
    for (const auto& row : rows_)
        if (row->is_typing()) return true;
    return false;
}
