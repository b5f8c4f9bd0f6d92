// A host for tests: calls a plugin in blocks, as a DAW does, and keeps what comes out.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "antiphon/plugin.h"
#include "scratch.h"

namespace antiphon::test {

struct Host {
    Plugin& plugin;
    double rate = 48000.0, bpm = 120.0, quarter = 0.0;
    bool has_transport = true, is_playing = true, is_offline = false;
    bool counts_ticks = false;  // quarters in 1920ths, and no seconds before the song's start
    float input = 0.0f;
    std::optional<Loop> loop;
    std::vector<Midi> midi;
    std::vector<float> left, right;  // all that came out

    explicit Host(Plugin& plugin, double rate = 48000.0) : plugin(plugin), rate(rate) {
        plugin.activate(rate, 512);
    }

    void block(std::size_t frames) {
        std::vector<float> channels[2] = {std::vector<float>(frames, input),
                                          std::vector<float>(frames, -input)};
        float* both[2] = {channels[0].data(), channels[1].data()};
        Block block;
        block.in = both;
        block.out = both;
        block.frames = frames;
        block.is_offline = is_offline;
        block.midi = midi.data();
        block.midi_count = midi.size();
        block.time.has_transport = has_transport;
        block.time.is_playing = is_playing || !has_transport;
        if (has_transport) {
            block.time.quarter = quarter;
            block.time.bpm = bpm;
            block.time.seconds = quarter * 60.0 / bpm;
            if (counts_ticks) {
                block.time.quarter = std::floor(quarter * 1920.0) / 1920.0;
                block.time.seconds = std::max(0.0, *block.time.seconds);
            }
            block.time.loop = loop;
            block.time.signature = Signature{4, 4};
            block.time.bar_quarter = std::floor(quarter / 4.0) * 4.0;
        }
        plugin.process(block);
        midi.clear();
        if (is_playing) quarter += static_cast<double>(frames) / rate * bpm / 60.0;
        if (loop && quarter >= loop->end) quarter -= loop->end - loop->start;
        left.insert(left.end(), channels[0].begin(), channels[0].end());
        right.insert(right.end(), channels[1].begin(), channels[1].end());
    }

    void blocks(int count, std::size_t frames) {
        for (int i = 0; i < count; ++i) block(frames);
    }

    // As in real time, where a call comes when sound has had time to arrive.
    void live(int count, std::size_t frames) {
        for (int i = 0; i < count; ++i) {
            const double enough = static_cast<double>(frames) / rate + 0.01;
            wait_until([&] { return plugin.view().buffer_seconds > enough; });
            block(frames);
        }
    }

    // Let blocks pass until sound is held ready.
    bool prime() {
        return wait_until([&] {
            block(64);
            return plugin.view().report.state == LinkState::playing &&
                   plugin.view().buffer_seconds > 0.03;
        });
    }

    void forget() { left.clear(), right.clear(); }
};

}  // namespace antiphon::test
