#include "words.h"

#include <cmath>

using antiphon::LinkState;

namespace words {
namespace {

const juce::String kBetween = juce::String::fromUTF8(" \xc2\xb7 ");

juce::String of_engine(const antiphon::Report& report) {
    juce::StringArray parts;
    if (!report.bundle_name.empty()) parts.add("bundle " + juce::String(report.bundle_name));
    if (report.engine.realtime_factor && *report.engine.realtime_factor > 0.0)
        parts.add(juce::String(*report.engine.realtime_factor, 1) +
                  juce::String::fromUTF8("\xc3\x97 real time"));
    if (report.engine.frame_ms_p95)
        parts.add("frames in " + juce::String(*report.engine.frame_ms_p95, 1) + " ms");
    if (!report.engine.problems.empty()) parts.add(report.engine.problems.front());
    return parts.joinIntoString(kBetween);
}

}  // namespace

Said of_link(const antiphon::View& view) {
    const antiphon::Report& report = view.report;
    const juce::String reason(report.reason);
    switch (report.state) {
        case LinkState::asleep:
            return {"Ready", "Waiting for the host to process audio.", Mood::waiting};
        case LinkState::searching:
            return {"No engine", reason, Mood::wrong};
        case LinkState::starting:
            return {"Starting the engine", "Loading the model takes a few seconds.", Mood::waiting};
        case LinkState::greeting:
            return {"Connecting", reason, reason.isEmpty() ? Mood::waiting : Mood::wrong};
        case LinkState::priming:
            return {"Getting ready", of_engine(report), Mood::waiting};
        case LinkState::replaying:
            if (!reason.isEmpty()) return {"Nothing to replay", reason, Mood::wrong};
            return {view.is_rolling ? "Replaying" : "Ready to replay",
                    "The take as it was heard; the engine rests.", Mood::well};
        case LinkState::playing:
            break;
    }
    if (!view.is_rolling) return {"Ready to play", of_engine(report), Mood::well};
    return {report.is_reduced ? "Playing, reduced" : "Playing", of_engine(report),
            report.is_reduced ? Mood::waiting : Mood::well};
}

juce::String of_song(const antiphon::View& view) {
    juce::StringArray parts;
    const antiphon::heard::Status& engine = view.report.engine;
    const antiphon::HostTime& time = view.here.time;
    if (!engine.key.empty()) parts.add(engine.key);
    if (time.bpm)
        parts.add(juce::String(*time.bpm, 1) + " bpm");
    else if (engine.tempo_bpm)
        parts.add(juce::String(*engine.tempo_bpm, 1) + " bpm");
    if (const auto quarter = view.here.quarter_at(view.here.sample)) {
        const auto signature = time.signature.value_or(antiphon::Signature());
        const double bar = 4.0 * signature.beats / signature.unit;
        const double into = *quarter - std::floor(*quarter / bar) * bar;
        parts.add("bar " + juce::String(static_cast<int>(std::floor(*quarter / bar)) + 1) + "." +
                  juce::String(static_cast<int>(into * signature.unit / 4.0) + 1));
    } else if (engine.bar) {
        parts.add("bar " + juce::String(*engine.bar + 1));
    }
    return parts.joinIntoString(kBetween);
}

juce::String of_health(const antiphon::View& view, double host_rate) {
    juce::StringArray parts;
    parts.add(juce::String(juce::roundToInt(1000.0 * view.buffer_seconds)) + " ms ready");
    parts.add("late frames " + juce::String(view.report.engine.late_frames.value_or(0)));
    parts.add("gaps " + juce::String(view.underruns + view.offline_gaps));
    if (view.report.engine.prompt_to_ear_ms)
        parts.add("prompt to ear " +
                  juce::String(juce::roundToInt(*view.report.engine.prompt_to_ear_ms)) + " ms");
    parts.add(juce::String(host_rate / 1000.0, 1) +
              (view.is_resampling ? " kHz, resampled from 48" : " kHz"));
    return parts.joinIntoString(kBetween);
}

}  // namespace words
