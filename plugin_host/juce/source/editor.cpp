#include "editor.h"

#include <cmath>

using namespace antiphon;

namespace {

constexpr int kEdge = 22, kGap = 14, kHead = 58, kFoot = 26;
constexpr int kLeft = 616;  // width of the prompts and all below them
constexpr int kMeter = 64, kMeterWords = 50;
constexpr int kShownHz = 30;
constexpr juce::uint32 kToldMs = 6000;  // how long a remark stays
constexpr double kBufferShown = 0.25;   // seconds, a full meter
constexpr double kCopies = 0.25;        // of what was made in 8 s; above, the light is not green
const int kKnobs[] = {id::temperature, id::guidance, id::density, id::brightness,
                      id::glide,       id::tempo,    id::mix,     id::level};

juce::Colour colour_of(words::Mood mood) {
    return mood == words::Mood::well      ? look::cool
           : mood == words::Mood::waiting ? look::warm
                                          : look::wrong;
}

}  // namespace

// --- the sheet ----------------------------------------------------------------------------------

template <typename Made, typename... More>
Made* Sheet::add(int parameter, More&&... more) {
    auto made =
        std::make_unique<Made>(processor_.parameter(parameter), std::forward<More>(more)...);
    Made* found = made.get();
    addAndMakeVisible(*found);
    controls_.push_back(std::move(made));
    return found;
}

Sheet::Sheet(Processor& processor)
    : processor_(processor), prompts_(processor), pad_(processor), keep_(processor) {
    for (juce::Component* part :
         {static_cast<juce::Component*>(&prompts_), static_cast<juce::Component*>(&pad_),
          static_cast<juce::Component*>(&ribbon_), static_cast<juce::Component*>(&in_),
          static_cast<juce::Component*>(&out_), static_cast<juce::Component*>(&ready_),
          static_cast<juce::Component*>(&keep_), static_cast<juce::Component*>(&panic_),
          static_cast<juce::Component*>(&dice_)})
        addAndMakeVisible(part);
    for (const int parameter : kKnobs) knobs_.push_back(add<Knob>(parameter));
    mode_ = add<Segments>(id::mode), quantise_ = add<Segments>(id::quantise);
    key_ = add<Choice>(id::key), drums_ = add<Choice>(id::drums);
    stop_ = add<Choice>(id::on_stop), buffer_ = add<Choice>(id::buffer),
    take_ = add<Choice>(id::take);
    seed_ = add<Number>(id::seed);
    freeze_ = add<Switch>(id::freeze, "Freeze"), same_ = add<Switch>(id::same_again, "Same again");
    notes_ = add<Switch>(id::notes_only, "Held only"), chords_ = add<Switch>(id::harmony, "Chords"),
    bypass_ = add<Switch>(id::bypass, "Bypass");
    add_steppers();
    keep_.say = [this](juce::String words) { tell(std::move(words)); };
    panic_.setTooltip("Silence now. A mode or a prompt makes music again.");
    panic_.getProperties().set("warns", true);
    panic_.onClick = [this] { processor_.plugin().panic(); };
    dice_.setTooltip("Other notes, same everything else.");
    dice_.onClick = [this] {
        processor_.parameter(id::seed).set_by_hand(
            static_cast<float>(juce::Random::getSystemRandom().nextInt(10000)));
    };
    for (auto* button : {static_cast<juce::Button*>(&panic_), static_cast<juce::Button*>(&dice_)})
        button->setWantsKeyboardFocus(false);
    setSize(kWidth, kHeight);
    timerCallback();
    startTimerHz(kShownHz);
}

void Sheet::add_steppers() {
    const auto put = [this](const char* caption, const juce::String& help, Stepper::Bound bound) {
        steppers_.push_back(std::make_unique<Stepper>(caption, help, std::move(bound)));
        addAndMakeVisible(*steppers_.back());
    };
    const auto bind = [&](const char* caption, int parameter) {
        HostParameter& found = processor_.parameter(parameter);
        put(caption, found.row().help, Stepper::of(found));
    };
    bind("Listen", id::call_bars);
    bind("Answer", id::response_bars);
    bind("Phrase", id::phrase_bars);
    bind("Freeze", id::freeze_bars);
    put("Keep", "How many bars Keep keeps.",
        {1, KeepButton::kMaxBars, [this] { return keep_.bars(); },
         [this](int bars) { keep_.set_bars(bars); }});
}

void Sheet::tell(juce::String words) {
    told_ = std::move(words);
    told_at_ = juce::Time::getMillisecondCounter();
}

juce::Colour Sheet::colour_of_loudest() const {
    int best = -1;
    float most = 0.0f;
    for (int slot = 0; slot < kPromptSlots; ++slot) {
        const float weight = processor_.parameter(id::weight_1 + slot).value();
        if (weight <= most || processor_.plugin().prompt(slot).empty()) continue;
        most = weight;
        best = slot;
    }
    return best < 0 ? look::faint : look::of_prompt(best);
}

void Sheet::timerCallback() {
    view_ = processor_.plugin().view();
    prompts_.refresh();
    pad_.refresh();
    for (auto& control : controls_) control->refresh();
    for (auto& stepper : steppers_) stepper->refresh();
    ribbon_.show(view_, colour_of_loudest());
    in_.show_peak(view_.peak_in);
    out_.show_peak(view_.peak_out);
    ready_.show(static_cast<float>(view_.buffer_seconds / kBufferShown));
    said_ = words::of_link(view_);
    song_ = words::of_song(view_);
    health_ = words::of_health(
        view_, processor_.getSampleRate() > 0.0 ? processor_.getSampleRate() : kLinkRate);
    const auto& remarks = view_.report.remarks;
    const juce::String newest =
        remarks.empty() ? juce::String() : juce::String::fromUTF8(remarks.back().c_str());
    if (std::exchange(remark_, newest) != newest) tell(newest);
    repaint(0, 0, kWidth, kHead);
    repaint(0, kHeight - kFoot - 4, kWidth, kFoot + 4);
}

void Sheet::resized() {
    auto area =
        getLocalBounds().withTrimmedTop(kHead).withTrimmedBottom(kFoot + 6).reduced(kEdge, 0);
    auto left = area.removeFromLeft(kLeft), right = area.withTrimmedLeft(kGap + 4);
    auto bottom = left.removeFromBottom(44);
    ribbon_.setBounds(bottom);
    left.removeFromBottom(kGap - 2);
    auto knobs = left.removeFromBottom(92);
    const int each = knobs.getWidth() / static_cast<int>(knobs_.size());
    for (Knob* knob : knobs_) knob->setBounds(knobs.removeFromLeft(each).reduced(2, 0));
    left.removeFromBottom(kGap - 4);
    prompts_.setBounds(left);

    auto row = right.removeFromBottom(44);
    const int third = (row.getWidth() - 2 * 8) / 3;
    freeze_->setBounds(row.removeFromLeft(third));
    keep_.setBounds(row.withTrimmedLeft(8).removeFromLeft(third));
    panic_.setBounds(row.removeFromRight(third));
    right.removeFromBottom(kGap - 2);
    auto seeds = right.removeFromBottom(44);
    seed_->setBounds(seeds.removeFromLeft(138));
    const auto buttons = seeds.withTrimmedLeft(10).withTrimmedTop(16);
    dice_.setBounds(buttons.withWidth((buttons.getWidth() - 8) / 2));
    same_->setBounds(buttons.withTrimmedLeft((buttons.getWidth() + 8) / 2));
    right.removeFromBottom(8);
    auto bars = right.removeFromBottom(44);
    const int fifth = (bars.getWidth() - 4 * 8) / 5;
    for (auto& stepper : steppers_) {
        stepper->setBounds(bars.removeFromLeft(fifth));
        bars.removeFromLeft(8);
    }
    right.removeFromBottom(8);
    auto how = right.removeFromBottom(44);
    stop_->setBounds(how.removeFromLeft(third));
    buffer_->setBounds(how.withTrimmedLeft(8).removeFromLeft(third));
    take_->setBounds(how.removeFromRight(third));
    right.removeFromBottom(8);
    auto held = right.removeFromBottom(44);
    const int quarter = (held.getWidth() - 3 * 8) / 4;
    key_->setBounds(held.removeFromLeft(quarter + 18));
    drums_->setBounds(held.withTrimmedLeft(8).removeFromLeft(quarter));
    chords_->setBounds(held.removeFromRight(quarter - 9).withTrimmedTop(16));
    notes_->setBounds(held.withTrimmedRight(8).removeFromRight(quarter - 9).withTrimmedTop(16));
    right.removeFromBottom(8);
    quantise_->setBounds(right.removeFromBottom(48));
    right.removeFromBottom(8);
    mode_->setBounds(right.removeFromBottom(48));
    right.removeFromBottom(kGap - 2);
    pad_.setBounds(right);

    auto foot = getLocalBounds().removeFromBottom(kFoot).reduced(kEdge, 0);
    for (Meter* meter : {&out_, &in_, &ready_}) {
        meter->setBounds(foot.removeFromRight(kMeter).withSizeKeepingCentre(kMeter, 5));
        foot.removeFromRight(kMeterWords);
    }
    bypass_->setBounds(getLocalBounds()
                           .removeFromTop(kHead - 8)
                           .reduced(kEdge, 0)
                           .removeFromRight(72)
                           .withSizeKeepingCentre(72, 28));
}

void Sheet::paint(juce::Graphics& g) {
    g.fillAll(look::ground);
    draw_head(g);
    draw_foot(g);
}

void Sheet::draw_head(juce::Graphics& g) const {
    // The mark: one voice calls, the other answers.
    const juce::Point<float> centre(static_cast<float>(kEdge) + 13.0f, kHead / 2.0f);
    const juce::PathStrokeType stroke(2.6f, juce::PathStrokeType::curved,
                                      juce::PathStrokeType::rounded);
    for (int side = 0; side < 2; ++side) {
        juce::Path arcs;
        const float turn = side == 0 ? 0.0f : juce::MathConstants<float>::pi;
        for (const float radius : {5.0f, 11.0f})
            arcs.addCentredArc(centre.x, centre.y, radius, radius, turn, 0.35f, 2.3f, true);
        g.setColour(side == 0 ? look::warm : look::cool);
        g.strokePath(arcs, stroke);
    }
    auto area =
        getLocalBounds().removeFromTop(kHead).reduced(kEdge, 0).toFloat().withTrimmedLeft(38.0f);
    g.setColour(look::ink);
    g.setFont(look::strong(21.0f));
    g.drawText("Antiphon", area.removeFromLeft(116.0f), juce::Justification::centredLeft);
    area.removeFromRight(88.0f);  // bypass
    const auto song = area.removeFromRight(230.0f);
    g.setFont(look::text(15.0f));
    g.setColour(look::ink.withAlpha(0.9f));
    g.drawText(song_, song, juce::Justification::centredRight);
    const auto dot = area.removeFromLeft(16.0f).withSizeKeepingCentre(9.0f, 9.0f);
    g.setColour(colour_of(said_.mood).withAlpha(0.25f));
    g.fillEllipse(dot.expanded(3.5f));
    g.setColour(colour_of(said_.mood));
    g.fillEllipse(dot);
    area.removeFromLeft(8.0f);
    const auto first = area.withTrimmedBottom(area.getHeight() / 2.0f).translated(0.0f, 5.0f);
    const bool is_long = said_.mood == words::Mood::wrong;  // what to do now may need two lines
    const auto second =
        area.withTrimmedTop(area.getHeight() / 2.0f).translated(0.0f, is_long ? -7.0f : -5.0f);
    g.setFont(look::strong(14.0f));
    g.drawText(said_.headline, said_.detail.isEmpty() ? area : first,
               juce::Justification::centredLeft);
    g.setFont(look::text(12.5f));
    g.setColour(is_long ? look::ink : look::faint);
    g.drawFittedText(said_.detail, second.toNearestInt(), juce::Justification::centredLeft,
                     is_long ? 2 : 1, 0.85f);
    g.setColour(look::line);
    g.fillRect(0.0f, kHead - 8.0f, static_cast<float>(getWidth()), 1.0f);
}

void Sheet::draw_foot(juce::Graphics& g) const {
    auto area = getLocalBounds().removeFromBottom(kFoot).reduced(kEdge, 0).toFloat();
    g.setFont(look::text(12.5f));
    const auto label = [&](const char* words, const juce::Component& before) {
        g.setColour(look::faint);
        const auto meter = before.getBounds().toFloat();
        g.drawText(words,
                   meter.withX(meter.getX() - kMeterWords)
                       .withWidth(kMeterWords - 7.0f)
                       .withSizeKeepingCentre(kMeterWords - 7.0f, 16.0f),
                   juce::Justification::centredRight);
    };
    label("in", in_);
    label("out", out_);
    label("buffer", ready_);
    area.removeFromRight(3 * (kMeter + kMeterWords) + 8.0f);
    const double copies = view_.report.engine.copy_rate.value_or(0.0);
    const auto light = area.removeFromRight(96.0f);
    g.setColour(!view_.report.engine.copy_rate ? look::dim
                : copies < kCopies             ? look::cool
                                               : look::wrong);
    g.fillEllipse(light.withWidth(8.0f).withSizeKeepingCentre(8.0f, 8.0f));
    g.setColour(look::faint);
    g.drawText("copies " + juce::String(juce::roundToInt(100.0 * copies)) + " %",
               light.withTrimmedLeft(16.0f), juce::Justification::centredLeft);
    const bool is_told =
        told_.isNotEmpty() && juce::Time::getMillisecondCounter() - told_at_ < kToldMs;
    g.setColour(is_told ? look::warm : look::faint);
    g.drawFittedText(is_told ? told_ : health_, area.toNearestInt(),
                     juce::Justification::centredLeft, 1, 0.8f);
}

// --- the window ---------------------------------------------------------------------------------

Editor::Editor(Processor& processor)
    : juce::AudioProcessorEditor(processor), processor_(processor), sheet_(processor) {
    setLookAndFeel(&look_);
    addAndMakeVisible(sheet_);
    sheet_.addMouseListener(this, false);
    setWantsKeyboardFocus(true);
    const auto width = juce::roundToInt(processor.plugin().editor_value("width", Sheet::kWidth));
    setResizable(true, true);
    setResizeLimits(Sheet::kWidth * 7 / 10, Sheet::kHeight * 7 / 10, Sheet::kWidth * 2,
                    Sheet::kHeight * 2);
    getConstrainer()->setFixedAspectRatio(static_cast<double>(Sheet::kWidth) / Sheet::kHeight);
    setSize(width, width * Sheet::kHeight / Sheet::kWidth);
}

Editor::~Editor() { setLookAndFeel(nullptr); }

void Editor::resized() {
    sheet_.setTransform(
        juce::AffineTransform::scale(static_cast<float>(getWidth()) / Sheet::kWidth));
    sheet_.setTopLeftPosition(0, 0);
    processor_.plugin().set_editor_value("width", getWidth());
}

bool Editor::keyPressed(const juce::KeyPress& key) {
    const int slot = static_cast<int>(key.getTextCharacter()) - '1';
    const bool is_pick =
        slot >= 0 && slot < kPromptSlots && !key.getModifiers().isAnyModifierKeyDown();
    if (is_pick && !sheet_.is_typing()) processor_.pick(slot);
    return is_pick && !sheet_.is_typing();
}
