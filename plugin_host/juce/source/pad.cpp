#include "pad.h"

#include <cmath>

namespace {

constexpr float kTwoPi = juce::MathConstants<float>::twoPi;
constexpr float kNear = 26.0f;  // pixels; nearer than this a prompt sounds alone

}  // namespace

Pad::Pad(Processor& processor) : processor_(processor) {
    setTooltip("Drag between the prompts to mix them; the nearer, the more.");
}

void Pad::refresh() {
    Weights weights;
    std::array<bool, antiphon::kPromptSlots> texts;
    for (int slot = 0; slot < antiphon::kPromptSlots; ++slot) {
        const auto at = static_cast<std::size_t>(slot);
        weights[at] = processor_.parameter(antiphon::id::weight_1 + slot).value();
        texts[at] = !processor_.plugin().prompt(slot).empty();
    }
    if (weights == shown_ && texts == texts_) return;
    shown_ = weights;
    texts_ = texts;
    repaint();
}

juce::Point<float> Pad::place_of(int slot) const {
    const auto area = getLocalBounds().toFloat().reduced(38.0f, 30.0f);
    const float angle =
        kTwoPi * (static_cast<float>(slot) + 0.5f) / antiphon::kPromptSlots - kTwoPi / 4.0f;
    return area.getCentre() + juce::Point<float>(std::cos(angle) * area.getWidth() / 2.0f,
                                                 std::sin(angle) * area.getHeight() / 2.0f);
}

juce::Point<float> Pad::centre_of_weights() const {
    juce::Point<float> sum;
    float total = 0.0f;
    for (int slot = 0; slot < antiphon::kPromptSlots; ++slot) {
        const float weight = juce::jmax(0.0f, shown_[static_cast<std::size_t>(slot)]);
        sum += place_of(slot) * weight;
        total += weight;
    }
    return total > 0.0f ? sum / total : getLocalBounds().toFloat().getCentre();
}

void Pad::paint(juce::Graphics& g) {
    const auto area = getLocalBounds().toFloat();
    g.setColour(look::panel);
    g.fillRoundedRectangle(area, 10.0f);
    const auto point = is_held_ ? held_ : centre_of_weights();
    for (int slot = 0; slot < antiphon::kPromptSlots; ++slot) {
        const float weight = shown_[static_cast<std::size_t>(slot)];
        const auto place = place_of(slot);
        const auto colour = look::of_prompt(slot);
        const float amount = has_text(slot) ? juce::jlimit(0.0f, 1.0f, weight) : 0.0f;
        if (amount > 0.0f) {
            g.setGradientFill({colour.withAlpha(0.30f * amount), place.x, place.y,
                               colour.withAlpha(0.0f), place.x + 90.0f, place.y, true});
            g.fillEllipse(juce::Rectangle<float>(180.0f, 180.0f).withCentre(place));
            g.setColour(colour.withAlpha(0.25f + 0.5f * amount));
            g.drawLine({place, point}, 0.75f + 1.75f * amount);
        }
        const auto dot = juce::Rectangle<float>(24.0f, 24.0f).withCentre(place);
        g.setColour(has_text(slot) ? colour.withAlpha(0.25f + 0.75f * amount) : look::raised);
        g.fillEllipse(dot);
        g.setColour(amount > 0.5f ? look::ground : (has_text(slot) ? look::ink : look::dim));
        g.setFont(look::strong(12.0f));
        g.drawText(juce::String(slot + 1), dot, juce::Justification::centred);
    }
    g.setColour(look::ground.withAlpha(0.6f));
    g.fillEllipse(juce::Rectangle<float>(22.0f, 22.0f).withCentre(point));
    g.setColour(look::ink);
    g.drawEllipse(juce::Rectangle<float>(16.0f, 16.0f).withCentre(point), 2.0f);
    g.fillEllipse(juce::Rectangle<float>(5.0f, 5.0f).withCentre(point));
}

void Pad::mouseDown(const juce::MouseEvent& event) {
    for (int slot = 0; slot < antiphon::kPromptSlots; ++slot)
        processor_.parameter(antiphon::id::weight_1 + slot).beginChangeGesture();
    is_held_ = true;
    mix_at(event.position);
}

void Pad::mouseDrag(const juce::MouseEvent& event) { mix_at(event.position); }

void Pad::mouseUp(const juce::MouseEvent&) {
    for (int slot = 0; slot < antiphon::kPromptSlots; ++slot)
        processor_.parameter(antiphon::id::weight_1 + slot).endChangeGesture();
    is_held_ = false;
    repaint();
}

void Pad::mix_at(juce::Point<float> point) {
    held_ = getLocalBounds().toFloat().reduced(12.0f).getConstrainedPoint(point);
    const bool is_any = std::find(texts_.begin(), texts_.end(), true) != texts_.end();
    Weights weights{};
    float total = 0.0f;
    for (int slot = 0; slot < antiphon::kPromptSlots; ++slot) {
        if (is_any && !has_text(slot)) continue;
        const float away = juce::jmax(0.0f, place_of(slot).getDistanceFrom(held_) - kNear) + 0.5f;
        weights[static_cast<std::size_t>(slot)] = 1.0f / (away * away);
        total += weights[static_cast<std::size_t>(slot)];
    }
    for (int slot = 0; slot < antiphon::kPromptSlots; ++slot) {
        float weight = weights[static_cast<std::size_t>(slot)] / total;
        weight = weight < 0.01f ? 0.0f : std::round(weight * 100.0f) / 100.0f;
        HostParameter& parameter = processor_.parameter(antiphon::id::weight_1 + slot);
        if (parameter.value() != weight)
            parameter.setValueNotifyingHost(parameter.normal_of(weight));
    }
    refresh();
    repaint();
}
