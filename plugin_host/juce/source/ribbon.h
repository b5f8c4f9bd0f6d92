// The ribbon: what was heard, the playhead, the bars that come, and how much sound is ready for
// them.
//
// In:  a view of the plugin, and the colour of the prompt that is heard most. Out: a picture. Where
// the host has no song, time runs without bars. Message thread.

#pragma once

#include <deque>

#include "look.h"
#include "processor.h"

class Ribbon final : public juce::Component {
  public:
    void show(const antiphon::View& view, juce::Colour colour);
    void paint(juce::Graphics&) override;

  private:
    struct Heard {
        double sample;
        float peak;
        juce::Colour colour;
    };

    void draw_past(juce::Graphics&, juce::Rectangle<float> area, double samples_a_pixel) const;
    void draw_grid(juce::Graphics&, juce::Rectangle<float> area, double quarter) const;

    antiphon::View view_;
    std::deque<Heard> past_;
};

// A bar from nothing to full: loudness, or sound that is ready.
class Meter final : public juce::Component {
  public:
    explicit Meter(juce::Colour colour) : colour_(colour) {}
    void show_peak(float peak);
    void show(float part);
    void paint(juce::Graphics&) override;

  private:
    juce::Colour colour_;
    float shown_ = 0.0f;
};
