// Control messages: what the plugin says to the engine and what it understands of the answers.
//
// In:  plain values and the text of one message part. Out: JSON text, and checked records. What is
// too long, too deep, no JSON, or lacks a field is no message; fields that are not known are left
// alone, so that a newer engine is understood. Pure; no thread of its own, never the audio thread.
// The other side of it is bridge/control.py.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "antiphon/song.h"

namespace antiphon {

inline constexpr int kProtocol = 1;
inline constexpr std::size_t kMaxControlBytes = 1 << 20;  // of one message from the engine

// One setting: what it is about, such as "prompt/3", and the command as JSON with sorted names.
struct Setting {
    std::string slot, command;
};

// --- what the plugin says -----------------------------------------------------------------------

struct Hello {
    std::string client, program, session, token;  // no token: empty
    std::uint64_t sample = 0;                     // the next link sample that is wanted
    std::uint64_t seed = 0;                       // of a new session
    std::vector<std::string> settings;            // commands that a new session begins with
    std::string song;  // where its song is, as `song_json` says it; empty: it has none
};

std::string to_json(const Hello& hello);
// when: "now", "beat", "bar" or "phrase", which has a length.
std::string ask_json(std::uint64_t revision, const std::string& command, const std::string& when,
                     int phrase_bars);
std::string song_json(std::uint64_t revision, std::uint64_t sample, const HostTime& time);
std::string subscribe_json(int status_every_ms);
std::string heartbeat_json(std::uint64_t count);
std::string bye_json(bool keep);

// --- what the engine says -----------------------------------------------------------------------

namespace heard {

struct Welcome {
    int protocol = 0;
    std::string version, boot, session, state, token, key, audio, bundle, bundle_name;
    std::uint64_t sample = 0, revision = 0;
    int heartbeat_ms = 500, park_ms = 2500;
    std::vector<Setting> settings;  // in force
};

struct Ack {
    std::uint64_t revision = 0;
    std::string what, reason;
    std::optional<std::uint64_t> sample;
};

struct Refuse {
    std::string code, text, about;
    std::uint64_t revision = 0;  // 0: none
};

struct Heartbeat {
    std::uint64_t count = 0;
};

struct Remark {
    std::string text;
};

struct Farewell {
    std::string reason;
};

// What is shown of the engine; what it does not tell stays empty.
struct Status {
    std::optional<double> frame_ms_p95, realtime_factor, lead_ms, tempo_bpm, copy_rate, beat,
        prompt_to_ear_ms, input_db;
    std::optional<std::int64_t> late_frames, shed, bar, beats_per_bar;
    std::string key, role;
    std::vector<std::string> problems;
    std::vector<std::pair<std::string, double>> prompts;  // in force, with their weights
};

using Message = std::variant<Welcome, Ack, Refuse, Heartbeat, Remark, Farewell, Status>;

// Read one part; nothing if it is no message that is understood.
std::optional<Message> read(std::string_view part);

}  // namespace heard

// --- commands -----------------------------------------------------------------------------------

std::string prompt_command(int index, const std::string& text);
std::string weight_command(int index, double weight);
std::string param_command(const std::string& name, const std::string& value_json);
std::string mode_command(const std::string& mode);
std::string freeze_command(int bars);
std::string note_command(bool is_on, int pitch);
std::string pick_command(int index);
inline constexpr const char* kPanicCommand = R"({"kind":"panic"})";
inline constexpr const char* kNoNotesCommand = R"({"kind":"notes","pitches":[]})";

// A number as JSON, rounded to what a knob can mean.
std::string number_json(double value);
std::string text_json(const std::string& text);

}  // namespace antiphon
