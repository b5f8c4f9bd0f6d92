// Exchange: everything that the audio thread and the link's thread have in common.
//
// Rings of sound and of input, a queue of what happened, and single numbers. Nothing in here waits,
// locks or allocates. Who writes a member is said beside it; the other one reads.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "antiphon/frame_ring.h"
#include "antiphon/mailbox.h"
#include "antiphon/parameters.h"
#include "antiphon/song.h"
#include "antiphon/spsc_queue.h"

namespace antiphon {

// Something that happened on the audio thread.
struct Event {
    enum class Kind : std::uint8_t {
        song,     // the song is where it was not expected
        epoch,    // all sound from `point.sample` on is wanted anew
        start,    // the stream moves from `point.sample` on; what lies before it was not heard
        note_on,  // `number` is a MIDI note
        note_off,
        notes_off,
        pick,  // `number` is a prompt slot, from 1
    };
    Kind kind = Kind::song;
    bool is_fresh = false;  // epoch: from the music's own start, so that it can be played again
    std::uint8_t number = 0;
    std::uint32_t epoch = 0;
    SongPoint point;
};

struct Exchange {
    static constexpr unsigned kSoundBits = 17;  // 2.7 s
    static constexpr unsigned kInputBits = 16;  // 1.4 s

    Exchange() {
        for (int i = 0; i < kParameterCount; ++i) {
            const Parameter& row = kParameters[i];
            values[i].store(row.can_be_left ? kNotGiven : row.start, std::memory_order_relaxed);
        }
    }

    FrameRing sound{kSoundBits};  // written by the link
    FrameRing input{kInputBits};  // written by the audio thread

    // --- written by the audio thread ------------------------------------------------------------
    SpscQueue<Event, 1024> events;
    std::atomic<std::uint64_t> needed{0};  // the first link sample that is still of use
    std::atomic<std::uint64_t> wanted{0};  // sound is wanted up to here
    std::atomic<bool> is_awake{false};     // something was processed; before, nothing is connected
    std::atomic<bool> is_rolling{false};   // the stream moves
    std::atomic<bool> is_offline{false};   // the host waits for us
    std::atomic<std::uint64_t> underruns{0};           // times that sound broke off
    std::atomic<std::uint64_t> offline_gaps{0};        // times that waiting for it was given up
    std::atomic<float> peak_in{0.0f}, peak_out{0.0f};  // of the last blocks, decaying
    Mailbox<SongPoint> here;                           // where the song is now, for the editor

    // --- written by the link --------------------------------------------------------------------
    std::atomic<bool> is_linked{false};   // there is an engine that plays
    std::atomic<bool> is_hopeful{false};  // or there may soon be one
    std::atomic<std::uint32_t> stale{0};  // counts changes that sound held ready does not obey

    std::atomic<int> picked{0};  // the prompt that a program change picked, until it is shown

    // --- written by any thread ------------------------------------------------------------------
    std::array<std::atomic<float>, kParameterCount> values;
};

}  // namespace antiphon
