#include "ribbon.h"

#include <cmath>

namespace {

constexpr double kQuartersShown = 16.0, kQuartersBehind = 8.0;
constexpr std::size_t kMaxPast = 400;  // of 30 a second; more than is shown at any tempo
constexpr float kBarWidth = 2.0f, kBarStep = 3.0f;
constexpr float kFloorDb = -60.0f;

}  // namespace

void Ribbon::show(const antiphon::View& view, juce::Colour colour) {
    view_ = view;
    const bool jumped = !past_.empty() && view.here.sample < past_.back().sample;
    if (jumped) past_.clear();
    if (view.is_rolling && (past_.empty() || view.here.sample > past_.back().sample))
        past_.push_back({view.here.sample, view.peak_out, colour});
    if (past_.size() > kMaxPast) past_.pop_front();
    repaint();
}

void Ribbon::paint(juce::Graphics& g) {
    const auto area = getLocalBounds().toFloat();
    g.setColour(look::panel);
    g.fillRoundedRectangle(area, 8.0f);
    const double bpm = view_.here.time.bpm.value_or(view_.report.engine.tempo_bpm.value_or(120.0));
    const auto quarter = view_.here.quarter_at(view_.here.sample);
    const float per_quarter = area.getWidth() / static_cast<float>(kQuartersShown);
    const float head = static_cast<float>(kQuartersBehind) * per_quarter;
    const float ready = static_cast<float>(view_.buffer_seconds * bpm / 60.0) * per_quarter;
    g.saveState();
    g.reduceClipRegion(area.reduced(1.0f).toNearestInt());
    g.setColour(look::raised.withAlpha(0.5f));
    g.fillRect(juce::Rectangle<float>(0.0f, 0.0f, head, area.getHeight()));
    if (quarter) draw_grid(g, area, *quarter);
    draw_past(g, area.withWidth(head),
              antiphon::kLinkRate * 60.0 / bpm / static_cast<double>(per_quarter));
    g.setColour(look::cool.withAlpha(view_.is_rolling ? 0.35f : 0.2f));
    g.fillRect(juce::Rectangle<float>(head, 0.0f, ready, area.getHeight()));
    g.setColour(view_.is_rolling ? look::warm : look::faint);
    g.fillRect(juce::Rectangle<float>(head - 1.0f, 0.0f, 2.0f, area.getHeight()));
    g.restoreState();
    if (!quarter) {
        g.setColour(look::faint);
        g.setFont(look::text(13.0f));
        g.drawText("No bars from the host: the music keeps its own time",
                   area.withTrimmedLeft(head + 16.0f), juce::Justification::centredLeft);
    }
}

// One bar each few pixels, as loud as what was heard there, in its prompt's colour.
void Ribbon::draw_past(juce::Graphics& g, juce::Rectangle<float> area,
                       double samples_a_pixel) const {
    if (past_.empty()) return;
    const double now = view_.here.sample, step = kBarStep * samples_a_pixel;
    for (auto at = past_.rbegin(); at != past_.rend();) {
        const double place = std::floor(at->sample / step);
        const Heard& newest = *at;
        float peak = 0.0f;
        for (; at != past_.rend() && std::floor(at->sample / step) == place; ++at)
            peak = juce::jmax(peak, at->peak);
        const float x =
            area.getRight() - static_cast<float>((now - place * step) / samples_a_pixel);
        if (x < area.getX() - kBarStep) return;
        const float height =
            juce::jmax(2.0f, std::sqrt(juce::jmin(1.0f, peak)) * (area.getHeight() - 14.0f));
        g.setColour(newest.colour.withAlpha(0.75f));
        g.fillRoundedRectangle(
            juce::Rectangle<float>(kBarWidth, height).withCentre({x, area.getCentreY() + 4.0f}),
            1.0f);
    }
}

void Ribbon::draw_grid(juce::Graphics& g, juce::Rectangle<float> area, double quarter) const {
    const auto signature = view_.here.time.signature.value_or(antiphon::Signature());
    const double beat = 4.0 / signature.unit, bar = beat * signature.beats;
    const double origin = view_.here.time.bar_quarter.value_or(0.0);
    const double first = std::ceil((quarter - kQuartersBehind - origin) / beat) * beat + origin;
    g.setFont(look::text(12.0f));
    for (double at = first; at < quarter + kQuartersShown; at += beat) {
        const float x =
            static_cast<float>((at - quarter + kQuartersBehind) / kQuartersShown) * area.getWidth();
        const double bars = (at - origin) / bar;
        const bool is_bar = std::abs(bars - std::round(bars)) < 1e-6;
        g.setColour(is_bar ? look::faint.withAlpha(0.8f) : look::line);
        g.fillRect(juce::Rectangle<float>(x, is_bar ? 0.0f : area.getHeight() * 0.45f, 1.0f,
                                          area.getHeight()));
        if (!is_bar) continue;
        const int number = static_cast<int>(std::llround(std::floor(origin / bar) + bars)) + 1;
        g.setColour(look::faint);
        g.drawText(juce::String(number), juce::Rectangle<float>(x + 5.0f, 3.0f, 40.0f, 14.0f),
                   juce::Justification::centredLeft);
    }
}

void Meter::show_peak(float peak) {
    show((juce::Decibels::gainToDecibels(peak, kFloorDb) - kFloorDb) / -kFloorDb);
}

void Meter::show(float part) {
    if (std::abs(std::exchange(shown_, part) - part) > 0.004f) repaint();
}

void Meter::paint(juce::Graphics& g) {
    const auto area = getLocalBounds().toFloat();
    g.setColour(look::raised);
    g.fillRoundedRectangle(area, 2.0f);
    g.setColour(colour_);
    g.fillRoundedRectangle(area.withWidth(area.getWidth() * juce::jlimit(0.0f, 1.0f, shown_)),
                           2.0f);
}
