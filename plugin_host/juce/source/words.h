// Words: how the plugin is, as sentences. Pure; knows no component.

#pragma once

#include <juce_core/juce_core.h>

#include "antiphon/plugin.h"

namespace words {

enum class Mood { well, waiting, wrong };

struct Said {
    juce::String headline, detail;
    Mood mood = Mood::waiting;
};

// What the engine does, and if it does nothing why and what to do.
Said of_link(const antiphon::View& view);
// Key, tempo and place in the song, as far as they are known.
juce::String of_song(const antiphon::View& view);
// Buffer, late frames, gaps, rates.
juce::String of_health(const antiphon::View& view, double host_rate);

}  // namespace words
