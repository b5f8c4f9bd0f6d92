#include "antiphon/conversation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "antiphon/ceiling.h"

namespace antiphon {
namespace {

constexpr double kHelloAgain = 2.0, kOpenWithin = 30.0;  // seconds; opening takes a while
constexpr double kSendAgain = 0.02;
constexpr double kCalm = 0.06;  // a dragged playhead comes to rest before it is followed
constexpr double kPrimeRolling = 0.25, kPrimeResting = 2.0;  // at most, for all to be obeyed
constexpr double kFence = 0.5;  // at most, for an engine to have read what it was told
constexpr double kWishesEvery = 0.02, kCreditEvery = 0.1;
constexpr std::uint64_t kCreditStep = 240;  // link samples; less is not worth a message
constexpr std::uint64_t kAllowance = 2880;  // 60 ms: to be made and to arrive, while time runs
constexpr std::size_t kInputStep = 480, kInputBlock = 4096;  // link samples of one message
constexpr int kStatusEveryMs = 200;
constexpr std::size_t kMaxAsked = 4096;

bool read_key(const std::string& hex, std::array<std::uint8_t, wire::kKeyBytes>& key) {
    if (hex.size() != 2 * key.size()) return false;
    for (std::size_t i = 0; i < key.size(); ++i) {
        unsigned value = 0;
        if (std::sscanf(hex.c_str() + 2 * i, "%2x", &value) != 1) return false;
        key[i] = static_cast<std::uint8_t>(value);
    }
    return true;
}

}  // namespace

Conversation::Conversation(Exchange& exchange, Wishes& wishes, ReportBoard& board, Memory& memory,
                           Sender& sender, SoundListener* listener, double now)
    : exchange_(exchange),
      wishes_(wishes),
      board_(board),
      memory_(memory),
      sender_(sender),
      listener_(listener),
      heard_at_(now),
      opened_at_(now),
      hello_due_(now),
      left_(wire::kMaxBlockSamples),
      right_(wire::kMaxBlockSamples) {
    show(LinkState::greeting);
}

void Conversation::leave() {
    if (has_session_) sender_.send_control(bye_json(false));
    finish("", false);
}

// --- what goes on by itself ---------------------------------------------------------------------

void Conversation::turn(double now) {
    take_events(now);
    if (phase_ == Phase::over) return;
    if (now - heard_at_ > silence_seconds_)
        return finish(has_session_ ? "The engine fell silent." : "The engine does not answer.",
                      false);
    if (now >= heartbeat_due_ && sender_.send_control(heartbeat_json(fence_)))
        heartbeat_due_ = now + heartbeat_seconds_;
    if (phase_ == Phase::greeting) {
        if (now - opened_at_ > kOpenWithin) return finish("The engine opens no session.", false);
        if (now >= hello_due_) greet(now);
        return;
    }
    begin_epoch(now);
    if (phase_ == Phase::greeting) return;
    tell_wishes(now);
    if (song_due_) {
        tell_song();
        if (exchange_.is_offline.load(std::memory_order_acquire)) fence(now);
    }
    if (phase_ == Phase::priming && is_primed(now)) {
        phase_ = Phase::playing;
        exchange_.is_linked.store(true, std::memory_order_release);
        show(LinkState::playing);
    }
    if (phase_ == Phase::playing) send_input();
    if (phase_ == Phase::playing) give_credit(now);
}

void Conversation::take_events(double now) {
    Event event;
    while (exchange_.events.pop(event)) {
        switch (event.kind) {
            case Event::Kind::song:
                memory_.song = event.point;
                if (listener_ != nullptr) listener_->follow(event.point);
                song_due_ = true;
                break;
            case Event::Kind::epoch:
                memory_.song = event.point;
                if (listener_ != nullptr) listener_->follow(event.point);
                memory_.epoch = event;
                epoch_asked_at_ = now;
                break;
            case Event::Kind::start:
                if (listener_ != nullptr)
                    listener_->start(static_cast<std::uint64_t>(std::ceil(event.point.sample)));
                break;
            case Event::Kind::note_on:
            case Event::Kind::note_off:
                ask("", note_command(event.kind == Event::Kind::note_on, event.number), false, now);
                break;
            case Event::Kind::notes_off:
                ask("", kNoNotesCommand, false, now);
                break;
            case Event::Kind::pick:
                pick(event.number, now);
                break;
        }
    }
}

// Weights follow here, on one thread, so that they never contradict the pick.
void Conversation::pick(int index, double now) {
    for (int i = 0; i < kPromptSlots; ++i)
        exchange_.values[id::weight_1 + i].store(i + 1 == index ? 1.0f : 0.0f);
    exchange_.picked.store(index, std::memory_order_release);
    ask("", pick_command(index), true, now);
    settled_.enter_pick(index);
}

// --- hello --------------------------------------------------------------------------------------

void Conversation::greet(double now) {
    const bool is_first = memory_.session.empty();
    if (is_first && !memory_.epoch) return;  // nobody has said where the stream begins
    const bool is_for_epoch = memory_.epoch && (is_first || has_session_);
    Hello hello;
    hello.client = memory_.client;
    hello.program = "antiphon plugin";
    hello.session =
        is_first ? memory_.client + "-" + std::to_string(memory_.sessions + 1) : memory_.session;
    hello.token = memory_.token;
    hello.sample = is_for_epoch ? epoch_sample() : resume_sample();
    hello.seed = static_cast<std::uint64_t>(std::lround(values()[id::seed]));
    if (!is_cautious_) hello.settings = settings_to_begin_with();
    const HostTime there = memory_.song.moved_to(static_cast<double>(hello.sample)).time;
    if (there.quarter || there.bpm) hello.song = song_json(1, hello.sample, there);
    answering_ = is_for_epoch ? memory_.epoch->epoch : 0;
    hello_due_ = now + kSendAgain;
    if (!sender_.send_control(to_json(hello))) return;
    hello_due_ = now + kHelloAgain;
    memory_.sessions += is_first;
}

// All that is in force, so that a new session, or one that the engine has lost, begins with it.
std::vector<std::string> Conversation::settings_to_begin_with() const {
    std::vector<std::string> commands;
    for (const Wanted& one : wanted_settings(wishes_.prompts(), values()))
        if (!one.is_start && one.setting.slot != kFreezeSlot)
            commands.push_back(one.setting.command);
    return commands;
}

// Behind all that is held ready, and where it can still be heard.
std::uint64_t Conversation::resume_sample() const {
    const std::uint64_t needed = exchange_.needed.load(std::memory_order_acquire);
    const bool waits = exchange_.is_offline.load(std::memory_order_acquire);
    return std::max(exchange_.sound.end(), needed + (waits ? 0 : kAllowance));
}

// Where an epoch begins: at its place, or where it can still be heard.
std::uint64_t Conversation::epoch_sample() const {
    const auto asked = static_cast<std::uint64_t>(std::ceil(memory_.epoch->point.sample));
    const bool waits = exchange_.is_offline.load(std::memory_order_acquire) ||
                       !exchange_.is_rolling.load(std::memory_order_acquire);
    if (waits) return asked;
    return std::max(asked, exchange_.needed.load(std::memory_order_acquire) + kAllowance);
}

void Conversation::begin_epoch(double now) {
    if (!memory_.epoch) return;
    const bool is_urgent = exchange_.is_offline.load(std::memory_order_acquire) ||
                           exchange_.is_rolling.load(std::memory_order_acquire);
    if (!is_urgent && now - epoch_asked_at_ < kCalm) return;
    if (memory_.epoch->is_fresh) {
        if (!sender_.send_control(bye_json(false))) return;
        memory_.session.clear();
        memory_.token.clear();
    }
    phase_ = Phase::greeting;
    opened_at_ = now;
    greet(now);
}

void Conversation::obey(const heard::Welcome& welcome, double now) {
    if (welcome.protocol != kProtocol)
        return finish("The engine speaks protocol " + std::to_string(welcome.protocol) +
                          ", expected " + std::to_string(kProtocol) + ". Update the older one.",
                      true);
    if (!read_key(welcome.key, key_) || welcome.audio.empty())
        return finish("The engine's welcome lacks a key or an address for audio.", true);
    if (welcome.audio != audio_endpoint_) sender_.connect_audio(audio_endpoint_ = welcome.audio);
    has_session_ = true;
    memory_.session = welcome.session, memory_.token = welcome.token;
    memory_.revision = std::max(memory_.revision, welcome.revision);
    heartbeat_seconds_ = welcome.heartbeat_ms / 2000.0;
    silence_seconds_ = welcome.park_ms / 1000.0;
    settled_.begin(welcome.settings);
    if (welcome.state == "new") settled_.enter(setting_of(id::seed, values()[id::seed]));
    if (answering_ != 0) {
        exchange_.sound.begin_epoch(answering_, welcome.sample);
        if (memory_.epoch && memory_.epoch->epoch == answering_) memory_.epoch.reset();
    }
    answering_ = 0;
    if (welcome.state == "new") asked_.clear();
    welcomed_at_ = now;
    song_revision_ = sequence_ = credit_ = 0;
    memory_.song = memory_.song.moved_to(static_cast<double>(welcome.sample));
    phase_ = Phase::priming;
    const bool is_rolling = exchange_.is_rolling.load() && !exchange_.is_offline.load();
    prime_until_ = now + (is_rolling ? kPrimeRolling : kPrimeResting);
    wishes_due_ = now;
    sender_.send_control(subscribe_json(kStatusEveryMs));
    tell_song();
    tell_wishes(now);
    fence(now);
    show(LinkState::priming);
    board_.change([&](Report& report) {
        report.engine_version = welcome.version;
        report.bundle = welcome.bundle;
        report.bundle_name = welcome.bundle_name;
        report.session = welcome.session;
    });
}

bool Conversation::is_primed(double now) const {
    if (now >= prime_until_) return true;
    const bool is_rolling = exchange_.is_rolling.load(std::memory_order_acquire) &&
                            !exchange_.is_offline.load(std::memory_order_acquire);
    return echoed_ >= fence_ && (is_rolling || asked_.empty());
}

// --- to the engine ------------------------------------------------------------------------------

void Conversation::tell_wishes(double now) {
    const bool is_offline = exchange_.is_offline.load(std::memory_order_acquire);
    if (now < wishes_due_ && !is_offline) return;
    wishes_due_ = now + kWishesEvery;
    const std::uint64_t before = memory_.revision;
    for (const Wanted& one : settled_.missing(wanted_settings(wishes_.prompts(), values())))
        ask(one.setting.slot, one.setting.command, one.is_switch, now);
    for (const std::string& command : wishes_.take_once()) ask("", command, false, now);
    if (memory_.revision == before || phase_ != Phase::playing) return;
    if (!exchange_.is_rolling.load(std::memory_order_acquire))
        exchange_.stale.fetch_add(1, std::memory_order_release);
    if (is_offline) fence(now);
}

void Conversation::ask(const std::string& slot, const std::string& command, bool is_switch,
                       double now) {
    if (phase_ != Phase::priming && phase_ != Phase::playing) return;
    const std::string when_kind = is_switch ? when() : "now";
    const int bars = static_cast<int>(std::lround(values()[id::phrase_bars]));
    if (!sender_.send_control(ask_json(memory_.revision + 1, command, when_kind, bars))) return;
    ++memory_.revision;
    if (!slot.empty()) settled_.enter({slot, command});
    if (asked_.size() < kMaxAsked) asked_[memory_.revision] = {slot, now};
}

std::string Conversation::when() const {
    const bool is_rolling = exchange_.is_rolling.load(std::memory_order_acquire);
    if (phase_ != Phase::playing || !is_rolling) return "now";
    return choices::quantise[std::lround(values()[id::quantise])];
}

void Conversation::tell_song() {
    song_due_ = false;
    const HostTime& time = memory_.song.time;
    if (!time.quarter && !time.bpm) return;
    const double at = std::ceil(memory_.song.sample);
    const SongPoint there = memory_.song.moved_to(at);
    const auto sample = static_cast<std::uint64_t>(at);
    if (!sender_.send_control(song_json(++song_revision_, sample, there.time))) song_due_ = true;
}

// Ask for a word as soon as all that was said so far is read.
void Conversation::fence(double now) {
    if (!sender_.send_control(heartbeat_json(fence_ + 1))) return;
    ++fence_;
    fence_at_ = now;
}

void Conversation::give_credit(double now) {
    const bool is_offline = exchange_.is_offline.load(std::memory_order_acquire);
    const std::uint64_t wanted = exchange_.wanted.load(std::memory_order_acquire);
    if (memory_.epoch) return;  // what would come is not wanted
    if (is_offline && echoed_ < fence_ && now - fence_at_ < kFence) return;
    const std::uint64_t step = is_offline ? 1 : kCreditStep;
    if (wanted < credit_ + step && (now - credit_at_ < kCreditEvery || wanted <= credit_)) return;
    std::array<std::uint8_t, wire::kHeaderBytes> part;
    wire::Header credit =
        header(wire::Kind::credit, exchange_.needed.load(std::memory_order_acquire));
    credit.credit = wanted;
    credit.flags = is_offline ? wire::kWaits : 0;
    if (wire::write(credit, part.data(), part.size()) != wire::Fault::none) return;
    if (!sender_.send_audio(part.data(), part.size())) return;
    ++sequence_;
    credit_ = wanted;
    credit_at_ = now;
}

void Conversation::send_input() {
    FrameRing& input = exchange_.input;
    const std::uint64_t end = input.end();
    input_next_ = std::max(input_next_, input.begin());
    const bool is_wanted = std::lround(values()[id::mode]) != 0;
    const std::size_t step = exchange_.is_offline.load() ? 1 : kInputStep;
    while (is_wanted && input_next_ + step <= end) {
        const auto count = std::min<std::uint64_t>(end - input_next_, kInputBlock);
        send_input_block(input_next_, static_cast<std::size_t>(count));
        input_next_ += count;
    }
    if (!is_wanted) input_next_ = std::max(input_next_, end);
    input.release(input_next_);
}

void Conversation::send_input_block(std::uint64_t sample, std::size_t count) {
    exchange_.input.read(sample, count, left_.data(), right_.data());
    wire::Header block = header(wire::Kind::input, sample);
    block.samples = static_cast<std::uint32_t>(count);
    part_.resize(block.message_bytes());
    if (wire::write(block, part_.data(), part_.size()) != wire::Fault::none) return;
    std::memcpy(part_.data() + wire::channel_offset(block, 0), left_.data(), count * sizeof(float));
    std::memcpy(part_.data() + wire::channel_offset(block, 1), right_.data(),
                count * sizeof(float));
    if (sender_.send_audio(part_.data(), part_.size())) ++sequence_;
}

wire::Header Conversation::header(wire::Kind kind, std::uint64_t sample) const {
    wire::Header made;
    made.kind = static_cast<std::uint16_t>(kind);
    std::copy(key_.begin(), key_.end(), made.key);
    made.sequence = sequence_;
    made.sample = sample;
    made.rate = kLinkRate;
    made.channels = kChannels;
    return made;
}

// --- in all -------------------------------------------------------------------------------------

void Conversation::finish(std::string reason, bool is_refused) {
    phase_ = Phase::over;
    end_reason_ = std::move(reason);
    is_refused_ = is_refused;
    exchange_.is_linked.store(false, std::memory_order_release);
    board_.change([&](Report& report) {
        report.reason = end_reason_;
        report.engine = heard::Status();
    });
}

Values Conversation::values() const {
    Values all;
    for (int i = 0; i < kParameterCount; ++i)
        all[i] = exchange_.values[i].load(std::memory_order_relaxed);
    return all;
}

void Conversation::show(LinkState state) {
    board_.change([&](Report& report) {
        report.state = state;
        if (state == LinkState::playing) report.reason.clear();
    });
}

}  // namespace antiphon
