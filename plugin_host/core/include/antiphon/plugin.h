// The plugin, without any framework: what a wrapper for VST3, LV2 or CLAP has to call.
//
// In:  blocks of audio, notes and the host's time. Out: the same audio with the engine's music.
// Constructing one touches nothing: no thread, no socket, no file. Activating starts a thread that
// sleeps until something is processed. `process` never locks, allocates or calls the system, except
// where the host renders offline and so waits for us: then it waits for the engine, within bounds.
// The delay of what passes through is 0 samples at every rate.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "antiphon/intake.h"
#include "antiphon/link.h"
#include "antiphon/playback.h"
#include "antiphon/song.h"
#include "antiphon/state.h"

namespace antiphon {

struct Midi {
    enum class Kind : std::uint8_t { note_on, note_off, all_off, program };
    Kind kind;
    std::uint8_t number;  // note, or program
};

// One call of the host. Two channels; `in` may be the same memory as `out`.
struct Block {
    const float* const* in = nullptr;
    float* const* out = nullptr;
    std::size_t frames = 0;  // any number, also 0
    HostTime time;
    bool is_offline = false;
    const Midi* midi = nullptr;
    std::size_t midi_count = 0;
};

struct PluginOptions {
    LinkOptions link;
    double offline_wait_seconds = 20.0;  // for an engine that may yet come, or go on
    double hopeless_seconds = 3.0;       // for none at all
};

// Everything an editor shows, at one moment.
struct View {
    Report report;
    std::uint64_t underruns = 0, offline_gaps = 0;
    float peak_in = 0.0f, peak_out = 0.0f;
    double buffer_seconds = 0.0;  // of sound that is ready
    bool is_rolling = false, is_resampling = false;
    SongPoint here;
};

// The bars that were just heard.
struct Kept {
    std::vector<float> frames;  // interleaved, at kLinkRate
    double bpm = 0.0;
};

class Plugin {
  public:
    // What is held ready for a host that stands begins so many link samples before its place; what
    // is rendered offline, too, so that both are the same music.
    static constexpr std::uint64_t kLeadIn = 9600;  // 200 ms

    explicit Plugin(PluginOptions options = {});
    ~Plugin();

    // --- [main-thread, while nothing is processed] ----------------------------------------------

    // host_rate: Hz. max_block: what the host promises; larger ones are processed all the same.
    void activate(double host_rate, std::size_t max_block);
    void deactivate();

    // --- [audio-thread] -------------------------------------------------------------------------

    void process(const Block& block) noexcept;

    // --- [any-thread], and free of locks --------------------------------------------------------

    void set_value(int parameter, float value) noexcept;
    float value(int parameter) const noexcept;
    // The prompt that a program change picked since the last call, from 1; 0: none.
    int take_picked() noexcept { return shared_->exchange.picked.exchange(0); }

    // --- [any-thread but the audio thread] ------------------------------------------------------

    std::string prompt(int index) const { return shared_->wishes.prompts().at(index); }
    void set_prompt(int index, std::string text);
    void panic();
    // The take that was recorded or is replayed; empty if there is none.
    std::string take() const { return shared_->take.name(); }
    View view();
    // The last bars up to the last bar line; without a song, of 120 bpm. Empty if nothing was
    // heard.
    Kept keep(int bars);

    std::string save();
    bool restore(std::string_view text);
    double editor_value(const std::string& name, double otherwise) const;
    void set_editor_value(const std::string& name, double value);

  private:
    static void pass(const Block& block) noexcept;
    void obey_midi(const Block& block) noexcept;
    HostTime interpret(const Block& block) noexcept;
    void process_piece(const Block& block, std::size_t first, std::size_t count,
                       std::size_t left) noexcept;
    void follow(const HostTime& said, bool is_rolling, bool is_offline) noexcept;
    SongPoint song_from_here() const noexcept;
    void start_near(const HostTime& said) noexcept;
    void lead_in() noexcept;
    void ask_for_epoch(bool is_offline) noexcept;
    void publish(std::size_t frames) noexcept;
    bool wait_for_sound(std::size_t count) noexcept;
    void mix(const Block& block, std::size_t first, std::size_t count) noexcept;
    std::uint64_t lead_frames() const noexcept;

    PluginOptions options_;
    std::shared_ptr<Shared> shared_;
    std::unique_ptr<LinkThread> link_;
    Playback playback_;
    Intake intake_;

    // --- the audio thread's ---------------------------------------------------------------------
    SongWatch watch_;
    std::uint32_t host_rate_ = kLinkRate, epoch_ = 0, stale_ = 0;
    std::size_t usual_block_ = 512;  // of the last while, the largest
    bool is_rolling_ = false, is_epoch_offline_ = false;
    bool epoch_due_ = false, has_played_ = false;
    bool has_lead_in_ = false;  // what is wanted begins before where the host stands
    std::optional<double> last_quarter_;
    double patience_ = 0.0;  // seconds that are left to wait for the engine
    float dry_ = 1.0f, wet_ = 1.0f, gain_step_ = 0.002f;
    float peak_in_ = 0.0f, peak_out_ = 0.0f;
    std::vector<float> made_, silence_;  // [C][kMaxPiece], [kMaxPiece]

    // --- guarded --------------------------------------------------------------------------------
    mutable std::mutex mutex_;
    State state_;
    Facts facts_;
    std::map<std::string, double> editor_;
};

}  // namespace antiphon
