#include "fake_engine.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "antiphon/axis.h"
#include "antiphon/json.h"
#include "antiphon/zmq_library.h"

namespace antiphon::test {
namespace {

constexpr std::uint32_t kBlock = 1920;

std::string hex_of(std::uint64_t number) {
    char text[33];
    std::snprintf(text, sizeof text, "%032llx", static_cast<unsigned long long>(number));
    return text;
}

Json message(const char* type) { return Json::object().set("type", type); }

std::string ack(const Json& ask, const char* what, std::uint64_t sample) {
    Json json = message("ack").set("revision", ask.at("revision")).set("change", std::int64_t{1});
    return json.set("what", what).set("frame", std::int64_t{1}).set("sample", sample).dump();
}

const ZmqLibrary& zmq() {
    std::string problem;
    const ZmqLibrary* found = ZmqLibrary::load(problem);
    if (found == nullptr) throw std::runtime_error(problem);
    return *found;
}

}  // namespace

FakeEngine::FakeEngine(Send send_control, Send send_audio, std::string audio_endpoint)
    : send_control_(std::move(send_control)),
      send_audio_(std::move(send_audio)),
      audio_endpoint_(std::move(audio_endpoint)) {}

void FakeEngine::say(const std::string& connection, const std::string& part) {
    send_control_(connection, part);
}

void FakeEngine::take_control(const std::string& connection, const std::string& part) {
    const Json json = Json::parse(part).value();
    const std::string type = json.text("type");
    if (type == "hello") return welcome(connection, json);
    const auto peer = peers_.find(connection);
    if (peer == peers_.end())
        return say(connection, message("refuse")
                                   .set("code", "hello_first")
                                   .set("text", "say hello")
                                   .set("about", type)
                                   .dump());
    FakeSession& session = sessions[peer->second.session];
    if (type == "ask") {
        log.commands.push_back(json.at("command").dump());
        log.whens.push_back(json.at("when").text("kind"));
        session.settings.push_back(json.at("command").dump());
        say(connection, ack(json, "accepted", 0));
        const bool is_refused =
            !refused_text.empty() && log.commands.back().find(refused_text) != std::string::npos;
        if (acks) say(connection, ack(json, is_refused ? "refused" : "done", session.sent));
    } else if (type == "transport") {
        const std::uint64_t sample = json.count("sample").value();
        log.song_samples.push_back(sample);
        session.song_sample = static_cast<double>(sample) - static_cast<double>(session.origin);
        session.bpm = json.number("bpm").value_or(0.0);
        session.quarter = json.number("quarter").value_or(session.quarter);
        if (json.has("quarter")) log.quarters.push_back(session.quarter);
    } else if (type == "heartbeat") {
        ++log.heartbeats;
        say(connection, part);
    } else if (type == "bye") {
        ++log.byes;
        if (!json.at("keep").flag().value()) sessions.erase(peer->second.session);
        peers_.erase(peer);
    } else if (type == "subscribe") {
        Json engine =
            Json::object().set("realtime_factor", 4.5).set("late_frames", std::int64_t{2});
        engine.set("key", "D minor").set("tempo_bpm", 120.0);
        engine.set("frame_ms", Json::object().set("p95", 9.5));
        say(connection,
            message("status").set("session", session.name).set("engine", engine).dump());
    }
}

void FakeEngine::welcome(const std::string& connection, const Json& hello) {
    const std::string name = hello.text("session");
    const std::uint64_t sample = hello.count("sample").value();
    log.hellos.push_back(name);
    log.hello_samples.push_back(sample);
    log.hello_quarters.push_back(hello.at("transport").number("quarter").value_or(-1.0));
    if (!refuse_code.empty())
        return say(connection, message("refuse")
                                   .set("code", refuse_code)
                                   .set("about", "hello")
                                   .set("text", "no, because of a test")
                                   .dump());
    const bool is_new = sessions.count(name) == 0;
    FakeSession& session = sessions[name];
    session.name = name;
    session.origin += static_cast<std::int64_t>(sample) - static_cast<std::int64_t>(session.sent);
    session.sent = session.credit = session.needed = sample;
    session.key = hex_of(++keys_), session.token = hex_of(keys_ + 1000);
    session.song_revision = session.sequence = 0;
    peers_[connection] = {name, hello.text("client"), ""};
    if (is_new)
        for (const Json& command : hello.at("settings").items()) {
            if (!refused_text.empty() && command.dump().find(refused_text) != std::string::npos) {
                sessions.erase(name);
                peers_.erase(connection);
                return say(connection, message("refuse")
                                           .set("code", "range")
                                           .set("about", "hello")
                                           .set("text", "no such prompt")
                                           .dump());
            }
            session.settings.push_back(command.dump());
            log.commands.push_back(command.dump());
            log.whens.push_back("hello");
        }
    Json settings = Json::array();
    for (const std::string& command : session.settings) settings.add(Json::parse(command).value());
    Json json = message("welcome").set("protocol", std::int64_t{protocol}).set("version", "0.1.0");
    json.set("boot", boot).set("session", name).set("role", "player");
    json.set("state", is_new ? "new" : "resumed").set("token", session.token);
    json.set("key", session.key).set("audio", audio_endpoint_).set("rate", std::int64_t{48000});
    json.set("channels", std::int64_t{2}).set("sample", sample).set("revision", std::int64_t{0});
    json.set("bundle", "abc").set("bundle_name", "fake").set("settings", settings);
    json.set("heartbeat_ms", std::int64_t{heartbeat_ms}).set("park_ms", std::int64_t{park_ms});
    say(connection, json.dump());
}

void FakeEngine::take_audio(const std::string& connection, const std::string& part) {
    wire::Header header;
    if (wire::read(part.data(), part.size(), header) != wire::Fault::none)
        throw std::runtime_error("the plugin sent a malformed audio message");
    std::string key;
    for (const std::uint8_t byte : header.key) {
        char text[3];
        std::snprintf(text, sizeof text, "%02x", byte);
        key += text;
    }
    for (auto& [name, session] : sessions) {
        if (session.key != key) continue;
        for (auto& [control, peer] : peers_)
            if (peer.session == name) peer.audio = connection;
        if (header.kind == static_cast<std::uint16_t>(wire::Kind::credit)) {
            ++log.credits;
            session.needed = std::max(session.needed, header.sample);
            session.credit = std::max(session.credit, header.credit);
            log.waits += (header.flags & wire::kWaits) != 0;
        } else {
            log.input_at.push_back(header.sample);
            const std::size_t before = log.input.size();
            log.input.resize(before + header.samples);
            std::memcpy(log.input.data() + before, part.data() + wire::channel_offset(header, 0),
                        header.samples * sizeof(float));
        }
        return;
    }
    send_audio_(connection,
                R"({"type":"refuse","code":"unknown","text":"no such key","about":"audio"})");
}

void FakeEngine::pump() {
    for (auto& [control, peer] : peers_) {
        const auto found = sessions.find(peer.session);
        if (peer.audio.empty() || found == sessions.end()) continue;
        FakeSession& session = found->second;
        session.sent = std::max(session.sent, session.needed);
        const std::uint64_t here = session.sent - static_cast<std::uint64_t>(session.origin);
        const std::uint64_t end =
            std::min(session.credit, session.sent + (made > here ? made - here : 0));
        while (session.sent < end) {
            wire::Header header;
            header.kind = static_cast<std::uint16_t>(wire::Kind::sound);
            for (std::size_t i = 0; i < wire::kKeyBytes; ++i)
                header.key[i] = static_cast<std::uint8_t>(
                    std::stoul(session.key.substr(2 * i, 2), nullptr, 16));
            header.sequence = session.sequence++;
            header.sample = session.sent;
            header.credit = session.credit;
            header.rate = kLinkRate;
            header.channels = kChannels;
            header.samples =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(end - session.sent, kBlock));
            std::string part(header.message_bytes(), '\0');
            wire::write(header, part.data(), part.size());
            std::vector<float> left(header.samples), right(header.samples);
            for (std::uint32_t i = 0; i < header.samples; ++i) {
                const std::uint64_t e =
                    session.sent + i - static_cast<std::uint64_t>(session.origin);
                left[i] = sound_left(e);
                right[i] =
                    sound_right(session.quarter + (static_cast<double>(e) - session.song_sample) *
                                                      session.bpm / 60.0 / kLinkRate);
            }
            std::memcpy(part.data() + wire::channel_offset(header, 0), left.data(),
                        left.size() * 4);
            std::memcpy(part.data() + wire::channel_offset(header, 1), right.data(),
                        right.size() * 4);
            if (sends_nonsense) part[static_cast<std::size_t>(header.sequence) % 88] ^= 0x5a;
            send_audio_(peer.audio, part);
            session.sent += header.samples;
        }
    }
}

// --- on loopback --------------------------------------------------------------------------------

FakeServer::FakeServer(std::string folder) : folder_(std::move(folder)) { start(); }

FakeServer::~FakeServer() {
    if (thread_.joinable()) kill();
}

void FakeServer::start() {
    const ZmqLibrary& z = zmq();
    context_ = z.ctx_new();
    const auto router = [&](std::string& endpoint) {
        void* made = z.socket(context_, ZMQ_ROUTER);
        const int zero = 0;
        z.setsockopt(made, ZMQ_LINGER, &zero, sizeof zero);
        if (z.bind(made, "tcp://127.0.0.1:*") != 0) throw std::runtime_error("no free port");
        char name[256];
        std::size_t size = sizeof name;
        z.getsockopt(made, ZMQ_LAST_ENDPOINT, name, &size);
        endpoint = name;
        return made;
    };
    std::string audio_endpoint;
    control_ = router(endpoint_);
    audio_ = router(audio_endpoint);
    const auto sender = [&z](void* socket) {
        return [&z, socket](const std::string& connection, const std::string& part) {
            z.send(socket, connection.data(), connection.size(), ZMQ_DONTWAIT | ZMQ_SNDMORE);
            z.send(socket, part.data(), part.size(), ZMQ_DONTWAIT);
        };
    };
    engine_ = std::make_unique<FakeEngine>(sender(control_), sender(audio_), audio_endpoint);
    engine_->boot = "boot-" + std::to_string(++boots_);
    is_ending_ = is_hung_ = false;
    announce();
    thread_ = std::thread([this] { run(); });
}

void FakeServer::announce() {
    mkdir(folder_.c_str(), 0700);
    const double now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    std::ofstream file(folder_ + "/engine-" + std::to_string(getpid()) + ".json");
    Json json = Json::object().set("format", std::int64_t{1}).set("pid", std::int64_t{getpid()});
    json.set("boot", engine_->boot).set("started", now).set("version", "0.1.0");
    file << json.set("control", endpoint_).dump();
}

void FakeServer::kill() {
    is_ending_ = true;
    is_hung_ = false;
    thread_.join();
    const ZmqLibrary& z = zmq();
    z.close(control_);
    z.close(audio_);
    z.ctx_term(context_);
    std::remove((folder_ + "/engine-" + std::to_string(getpid()) + ".json").c_str());
}

void FakeServer::with(const std::function<void(FakeEngine&)>& look) {
    const std::lock_guard lock(mutex_);
    look(*engine_);
}

void FakeServer::run() {
    const ZmqLibrary& z = zmq();
    const auto receive = [&z](void* socket, std::string& part) {
        zmq_msg_t message;
        z.msg_init(&message);
        const bool is_there = z.msg_recv(&message, socket, ZMQ_DONTWAIT) >= 0;
        if (is_there) part.assign(static_cast<char*>(z.msg_data(&message)), z.msg_size(&message));
        z.msg_close(&message);
        return is_there;
    };
    while (!is_ending_) {
        if (is_hung_) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            continue;
        }
        zmq_pollitem_t items[2] = {{control_, 0, ZMQ_POLLIN, 0}, {audio_, 0, ZMQ_POLLIN, 0}};
        z.poll(items, 2, 5);
        const std::lock_guard lock(mutex_);
        std::string connection, part;
        while (receive(control_, connection) && receive(control_, part))
            engine_->take_control(connection, part);
        while (receive(audio_, connection) && receive(audio_, part))
            engine_->take_audio(connection, part);
        engine_->pump();
    }
}

}  // namespace antiphon::test
