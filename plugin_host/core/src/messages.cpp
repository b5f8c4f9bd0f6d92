#include "antiphon/messages.h"

#include <algorithm>
#include <cmath>

#include "antiphon/json.h"

namespace antiphon {
namespace {

constexpr std::size_t kMaxSettings = 256, kMaxProblems = 16, kMaxShown = 500;

std::string shown(const Json& json, const char* name) {
    return json.text(name).substr(0, kMaxShown);
}

// What a command is about, in the words of the bridge's book.
std::string slot_of(const Json& command) {
    const std::string kind = command.text("kind"), name = command.text("name");
    const auto index = command.integer("index");
    if (kind == "param") return "param/" + name;
    if (kind == "style" && index) return "prompt/" + std::to_string(*index);
    return index && kind != "pick" ? kind + "/" + std::to_string(*index) : kind;
}

// A command as we would say it: what is not given is left out, but for a parameter's value.
Json without_nulls(const Json& command) {
    Json said = Json::object();
    for (const auto& [name, value] : command.members())
        if (!value.is_null() || name == "value") said.set(name, value);
    return said;
}

std::optional<heard::Message> read_welcome(const Json& json) {
    heard::Welcome welcome;
    const auto sample = json.count("sample"), revision = json.count("revision");
    const auto protocol = json.integer("protocol");
    if (!sample || !revision || !protocol) return std::nullopt;
    welcome.sample = *sample, welcome.revision = *revision;
    welcome.protocol = static_cast<int>(*protocol);
    welcome.version = json.text("version"), welcome.boot = json.text("boot");
    welcome.session = json.text("session"), welcome.state = json.text("state");
    welcome.token = json.text("token"), welcome.key = json.text("key");
    welcome.audio = json.text("audio"), welcome.bundle = json.text("bundle");
    welcome.bundle_name = json.text("bundle_name");
    const auto ms = [&](const char* name, int otherwise) {
        const auto found = json.integer(name);
        return found ? static_cast<int>(std::clamp<std::int64_t>(*found, 20, 60000)) : otherwise;
    };
    welcome.heartbeat_ms = ms("heartbeat_ms", welcome.heartbeat_ms);
    welcome.park_ms = ms("park_ms", welcome.park_ms);
    for (const Json& command : json.at("settings").items())
        if (command.is_object() && welcome.settings.size() < kMaxSettings)
            welcome.settings.push_back({slot_of(command), without_nulls(command).dump()});
    return welcome;
}

std::optional<heard::Message> read_status(const Json& json) {
    heard::Status status;
    const Json engine = json.at("engine");
    status.frame_ms_p95 = engine.at("frame_ms").number("p95");
    status.realtime_factor = engine.number("realtime_factor");
    status.lead_ms = engine.number("lead_ms");
    status.tempo_bpm = engine.number("tempo_bpm");
    status.copy_rate = engine.number("copy_rate");
    status.beat = engine.number("beat");
    status.prompt_to_ear_ms = engine.number("prompt_to_ear_ms");
    status.input_db = engine.number("input_db");
    status.late_frames = engine.integer("late_frames");
    status.shed = engine.integer("shed");
    status.bar = engine.integer("bar");
    status.beats_per_bar = engine.integer("beats_per_bar");
    status.key = engine.text("key"), status.role = engine.text("role");
    for (const Json& problem : engine.at("problems").items())
        if (problem.text() && status.problems.size() < kMaxProblems)
            status.problems.push_back(problem.text()->substr(0, kMaxShown));
    for (const Json& prompt : engine.at("prompts").items())
        if (prompt.is_object() && status.prompts.size() < kMaxProblems)
            status.prompts.emplace_back(shown(prompt, "said"), prompt.number("weight").value_or(0));
    return status;
}

}  // namespace

// --- what the plugin says -----------------------------------------------------------------------

std::string to_json(const Hello& hello) {
    Json json = Json::object();
    json.set("type", "hello").set("protocol", std::int64_t{kProtocol});
    json.set("client", hello.client).set("program", hello.program);
    json.set("session", hello.session).set("role", "player");
    json.set("rate", std::int64_t{kLinkRate}).set("channels", std::int64_t{kChannels});
    json.set("sample", hello.sample).set("seed", hello.seed).set("listens", true);
    if (!hello.token.empty()) json.set("token", hello.token);
    Json settings = Json::array();
    for (const std::string& command : hello.settings)
        settings.add(Json::parse(command).value_or(Json()));
    if (const auto song = Json::parse(hello.song)) json.set("transport", *song);
    return json.set("settings", settings).dump();
}

std::string ask_json(std::uint64_t revision, const std::string& command, const std::string& when,
                     int phrase_bars) {
    std::string text = R"({"type":"ask","revision":)" + std::to_string(revision) +
                       R"(,"command":)" + command + R"(,"when":{"kind":")" + when + "\"";
    if (when == "phrase") text += R"(,"bars":)" + std::to_string(phrase_bars);
    return text + "}}";
}

std::string song_json(std::uint64_t revision, std::uint64_t sample, const HostTime& time) {
    Json json = Json::object();
    json.set("type", "transport").set("revision", revision).set("sample", sample);
    json.set("playing", true);
    if (time.quarter) json.set("quarter", *time.quarter);
    if (time.bpm) json.set("bpm", *time.bpm);
    if (time.bar_quarter) json.set("bar_quarter", *time.bar_quarter);
    if (time.signature) {
        json.set("beats", std::int64_t{time.signature->beats});
        json.set("unit", std::int64_t{time.signature->unit});
    }
    if (time.loop) {
        Json loop = Json::array();
        loop.add(Json::of(time.loop->start)).add(Json::of(time.loop->end));
        json.set("loop", loop);
    }
    return json.dump();
}

std::string subscribe_json(int status_every_ms) {
    return R"({"type":"subscribe","status_every_ms":)" + std::to_string(status_every_ms) + "}";
}

std::string heartbeat_json(std::uint64_t count) {
    return R"({"type":"heartbeat","count":)" + std::to_string(count) + "}";
}

std::string bye_json(bool keep) {
    return std::string(R"({"type":"bye","keep":)") + (keep ? "true}" : "false}");
}

// --- what the engine says -----------------------------------------------------------------------

std::optional<heard::Message> heard::read(std::string_view part) {
    if (part.size() > kMaxControlBytes) return std::nullopt;
    const std::optional<Json> json = Json::parse(part);
    if (!json || !json->is_object()) return std::nullopt;
    const std::string type = json->text("type");
    if (type == "welcome") return read_welcome(*json);
    if (type == "status") return read_status(*json);
    if (type == "ack") {
        const auto revision = json->count("revision");
        if (!revision) return std::nullopt;
        return Ack{*revision, json->text("what"), shown(*json, "reason"), json->count("sample")};
    }
    if (type == "refuse")
        return Refuse{json->text("code"), shown(*json, "text"), json->text("about"),
                      json->count("revision").value_or(0)};
    if (type == "heartbeat") return Heartbeat{json->count("count").value_or(0)};
    if (type == "remark") return Remark{shown(*json, "text")};
    if (type == "bye") return Farewell{shown(*json, "reason")};
    return std::nullopt;
}

// --- commands -----------------------------------------------------------------------------------

std::string prompt_command(int index, const std::string& text) {
    return R"({"index":)" + std::to_string(index) + R"(,"kind":"prompt","text":)" +
           text_json(text) + "}";
}

std::string weight_command(int index, double weight) {
    return R"({"index":)" + std::to_string(index) + R"(,"kind":"weight","weight":)" +
           number_json(weight) + "}";
}

std::string param_command(const std::string& name, const std::string& value_json) {
    return R"({"kind":"param","name":")" + name + R"(","value":)" + value_json + "}";
}

std::string mode_command(const std::string& mode) {
    return R"({"kind":"mode","mode":")" + mode + R"("})";
}

std::string freeze_command(int bars) {
    return R"({"bars":)" + std::to_string(bars) + R"(,"kind":"freeze"})";
}

std::string note_command(bool is_on, int pitch) {
    return std::string(R"({"kind":")") + (is_on ? "note_on" : "note_off") + R"(","pitch":)" +
           std::to_string(pitch) + "}";
}

std::string pick_command(int index) {
    return R"({"index":)" + std::to_string(index) + R"(,"kind":"pick"})";
}

std::string number_json(double value) { return Json::of(std::round(value * 1e4) / 1e4).dump(); }

std::string text_json(const std::string& text) { return Json::of(text).dump(); }

}  // namespace antiphon
