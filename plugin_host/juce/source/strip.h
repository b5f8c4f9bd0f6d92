// Controls for single values: a knob, a list, a row of buttons, a switch, a number and a stepper.
//
// Each shows what its value is, whoever turned it; all but the stepper are bound to one parameter
// of the processor. Message thread.

#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "look.h"
#include "processor.h"

// What all of them can do.
class Control : public juce::Component {
  public:
    explicit Control(HostParameter& parameter) : parameter_(parameter) {}
    virtual void refresh() = 0;

  protected:
    HostParameter& parameter_;
};

class Knob final : public Control {
  public:
    explicit Knob(HostParameter& parameter);
    void refresh() override;
    void paint(juce::Graphics&) override;
    void resized() override;

  private:
    juce::Slider slider_;
};

class Choice final : public Control {
  public:
    explicit Choice(HostParameter& parameter);
    void refresh() override;
    void paint(juce::Graphics&) override;
    void resized() override;

  private:
    juce::ComboBox box_;
};

class Segments final : public Control {
  public:
    explicit Segments(HostParameter& parameter);
    void refresh() override;
    void paint(juce::Graphics&) override;
    void mouseUp(const juce::MouseEvent&) override;
    void mouseMove(const juce::MouseEvent&) override;
    void mouseExit(const juce::MouseEvent&) override;

  private:
    juce::Rectangle<float> bar() const { return getLocalBounds().toFloat().withTrimmedTop(16.0f); }
    int at(juce::Point<float> point) const;
    int shown_ = -1, over_ = -1;
};

class Switch final : public Control {
  public:
    Switch(HostParameter& parameter, const juce::String& words);
    void refresh() override;
    void resized() override { button_.setBounds(getLocalBounds()); }

  private:
    juce::TextButton button_;
};

class Number final : public Control {
  public:
    explicit Number(HostParameter& parameter);
    void refresh() override;
    void paint(juce::Graphics&) override;
    void resized() override;

  private:
    juce::Slider slider_;
};

// A small whole number: the upper half raises it, the lower one lowers it, and so do drags and
// wheels.
class Stepper final : public juce::Component, public juce::SettableTooltipClient {
  public:
    struct Bound {
        int low, high;
        std::function<int()> get;
        std::function<void(int)> set;
    };
    // Of a parameter that is a whole number.
    static Bound of(HostParameter& parameter);

    Stepper(juce::String caption, juce::String help, Bound bound);
    void refresh();
    void paint(juce::Graphics&) override;
    void mouseDown(const juce::MouseEvent&) override;
    void mouseDrag(const juce::MouseEvent&) override;
    void mouseUp(const juce::MouseEvent&) override;
    void mouseWheelMove(const juce::MouseEvent&, const juce::MouseWheelDetails&) override;

  private:
    juce::Rectangle<float> box() const {
        return getLocalBounds().toFloat().withTrimmedTop(16.0f).reduced(0.5f);
    }
    void put(int value);

    juce::String caption_;
    Bound bound_;
    int shown_ = 0, begun_ = 0;
};
