#include "antiphon/plugin.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "antiphon/ceiling.h"

namespace antiphon {
namespace {

constexpr double kLeadSeconds[] = {0.04, 0.08, 0.4};  // buffer: low, normal, safe
constexpr double kGainSeconds = 0.01;                  // for mix and bypass to arrive
constexpr float kPeakDecay = 0.9f;                     // a block
constexpr std::uint32_t kRates[] = {8000, 768000};
constexpr std::chrono::microseconds kNap{200};
constexpr double kBpmWithoutSong = 120.0;

double seconds_now() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

float toward(float value, float target, float step) noexcept {
    return value < target ? std::min(target, value + step) : std::max(target, value - step);
}

}  // namespace

Plugin::Plugin(PluginOptions options)
    : options_(std::move(options)),
      shared_(std::make_shared<Shared>()),
      playback_(shared_->exchange.sound),
      intake_(shared_->exchange.input) {}

Plugin::~Plugin() = default;

// --- on and off ---------------------------------------------------------------------------------

void Plugin::activate(double host_rate, std::size_t max_block) {
    const double bounded = std::clamp<double>(host_rate, kRates[0], kRates[1]);
    host_rate_ = static_cast<std::uint32_t>(std::lround(bounded));
    usual_block_ = max_block;
    playback_.prepare(host_rate_);
    intake_.prepare(playback_.axis(), host_rate_);
    gain_step_ = static_cast<float>(1.0 / (kGainSeconds * host_rate_));
    made_.assign(kChannels * Playback::kMaxPiece, 0.0f);
    silence_.assign(Playback::kMaxPiece, 0.0f);
    watch_.forget();
    last_quarter_.reset();
    is_rolling_ = has_played_ = has_lead_in_ = false;
    patience_ = options_.offline_wait_seconds;
    if (link_ == nullptr) link_ = std::make_unique<LinkThread>(shared_, options_.link);
}

void Plugin::deactivate() {
    is_rolling_ = false;
    shared_->exchange.is_rolling.store(false, std::memory_order_release);
    shared_->exchange.is_offline.store(false, std::memory_order_release);
}

// --- the audio thread ---------------------------------------------------------------------------

void Plugin::process(const Block& block) noexcept {
    if (made_.empty()) return pass(block);  // never activated
    Exchange& exchange = shared_->exchange;
    exchange.is_awake.store(true, std::memory_order_release);
    usual_block_ = std::max(block.frames, usual_block_ - usual_block_ / 256);
    obey_midi(block);
    const HostTime said = interpret(block);
    const bool rolls = said.is_playing;
    exchange.is_offline.store(block.is_offline, std::memory_order_release);
    exchange.is_rolling.store(rolls, std::memory_order_release);
    if (block.frames > 0) follow(said, rolls, block.is_offline);
    for (std::size_t done = 0; done < block.frames;) {
        const std::size_t count = std::min(Playback::kMaxPiece, block.frames - done);
        process_piece(block, done, count, block.frames - done);
        done += count;
    }
    publish(block.is_offline ? 0 : usual_block_);
    exchange.peak_in.store(peak_in_, std::memory_order_relaxed);
    exchange.peak_out.store(peak_out_, std::memory_order_relaxed);
    exchange.underruns.store(playback_.underruns(), std::memory_order_relaxed);
    exchange.here.post(watch_.point().moved_to(playback_.position()));
    peak_in_ *= kPeakDecay;
    peak_out_ *= kPeakDecay;
}

void Plugin::pass(const Block& block) noexcept {
    for (int channel = 0; channel < kChannels; ++channel)
        for (std::size_t i = 0; i < block.frames; ++i)
            block.out[channel][i] = block.in != nullptr ? block.in[channel][i] : 0.0f;
}

void Plugin::obey_midi(const Block& block) noexcept {
    for (std::size_t i = 0; i < block.midi_count; ++i) {
        Event event;
        event.number = block.midi[i].number;
        switch (block.midi[i].kind) {
            case Midi::Kind::note_on:
                event.kind = Event::Kind::note_on;
                break;
            case Midi::Kind::note_off:
                event.kind = Event::Kind::note_off;
                break;
            case Midi::Kind::all_off:
                event.kind = Event::Kind::notes_off;
                break;
            case Midi::Kind::program:
                event.kind = Event::Kind::pick;
                event.number = static_cast<std::uint8_t>(event.number % kPromptSlots + 1);
                break;
        }
        shared_->exchange.events.push(event);
    }
}

// What a host's words mean for the music: whether it moves, and where the song is if it is known.
//
// Some hosts render offline without ever saying that they play; if their song moves they play, and
// if it does not it goes on by itself from where they said.
HostTime Plugin::interpret(const Block& block) noexcept {
    const double block_seconds = static_cast<double>(block.frames) / host_rate_;
    HostTime said = block.time.checked().ending_at_start(block_seconds);
    has_played_ |= said.has_transport && said.is_playing;
    const bool is_stopped = said.has_transport && !said.is_playing;
    if (is_stopped && block.is_offline && !has_played_) {
        const bool stands = said.quarter && last_quarter_ && *said.quarter == *last_quarter_;
        if (block.frames > 0) last_quarter_ = said.quarter;
        said.is_playing = true;
        if (stands) said = watch_.point().moved_to(playback_.position()).time;
    } else if (is_stopped && value(id::on_stop) >= 0.5f) {
        said.is_playing = true;
        said.quarter = said.bar_quarter = std::nullopt;
        said.loop.reset();
    } else if (!said.has_transport) {
        said.is_playing = true;
    }
    return said;
}

// Hosts count quarters in ticks, some of them 12 samples long. In a render that is put right where
// the host says its seconds; in real time a step in what is held would be worse.
void Plugin::follow(const HostTime& said, bool is_rolling, bool is_offline) noexcept {
    Exchange& exchange = shared_->exchange;
    const bool is_start = is_rolling && !is_rolling_;
    if (is_start && !is_offline) start_near(said);
    const News news = watch_.see(said, playback_.position());
    const bool is_bounce = is_rolling && is_offline && !is_epoch_offline_;
    const std::uint32_t stale = exchange.stale.load(std::memory_order_acquire);
    bool wants_epoch = epoch_due_ || is_bounce;
    if (!is_rolling || is_start)
        wants_epoch |= news > News::refined || stale != stale_;
    else if (news == News::jumped && is_offline)
        wants_epoch = true;
    is_rolling_ = is_rolling;
    if (is_offline && (is_start || is_bounce)) patience_ = options_.offline_wait_seconds;
    if (wants_epoch) {
        stale_ = stale;
        playback_.await(++epoch_);
        if (is_offline || !is_rolling) lead_in();
        ask_for_epoch(is_offline);
    } else if (news > News::refined || (news == News::refined && is_offline)) {
        Event event;
        event.point = song_from_here();
        exchange.events.push(event);
    }
    if (is_start) {
        Event event;
        event.kind = Event::Kind::start;
        event.point = song_from_here();
        exchange.events.push(event);
    }
}

// Some hosts begin a little before or behind the place where they stood, by delays that they make
// up for. What is held ready is there for that, too, so that the first beat sounds.
void Plugin::start_near(const HostTime& said) noexcept {
    const auto stood = watch_.point().quarter_at(playback_.position());
    if (!has_lead_in_ || !stood || !said.quarter || !said.bpm) return;
    const double seconds = (*said.quarter - *stood) * 60.0 / *said.bpm;
    const double held = static_cast<double>(lead_frames()) / host_rate_;
    if (seconds * kLinkRate < -static_cast<double>(kLeadIn) || seconds > held) return;
    playback_.skip(std::llround(seconds * host_rate_));
    watch_.put(playback_.position(), *said.quarter);
}

// Have what is wanted begin a while before the place where the host stands, or renders from.
void Plugin::lead_in() noexcept {
    if (!has_lead_in_)
        playback_.skip(static_cast<std::int64_t>(kLeadIn * host_rate_ / kLinkRate));
    has_lead_in_ = true;
    watch_.put(playback_.position());
}

// The stream stands still while the host does; where it moves, so does the song.
SongPoint Plugin::song_from_here() const noexcept {
    SongPoint point = watch_.point().moved_to(playback_.position());
    point.time.is_playing = true;
    return point;
}

// What is held ready is of no use any more: all from here on is wanted anew.
void Plugin::ask_for_epoch(bool is_offline) noexcept {
    Event event;
    event.kind = Event::Kind::epoch;
    event.epoch = epoch_;
    event.is_fresh = is_offline || value(id::same_again) >= 0.5f;
    event.point = song_from_here();
    if (has_lead_in_) event.point = event.point.moved_to(event.point.sample - kLeadIn);
    is_epoch_offline_ = is_offline;
    epoch_due_ = !shared_->exchange.events.push(event);
}

void Plugin::process_piece(const Block& block, std::size_t first, std::size_t count,
                           std::size_t left) noexcept {
    float* made[kChannels] = {made_.data(), made_.data() + Playback::kMaxPiece};
    if (!is_rolling_) {
        playback_.rest(made, count);
    } else {
        const float* in[kChannels] = {silence_.data(), silence_.data()};
        if (block.in != nullptr)
            for (int channel = 0; channel < kChannels; ++channel)
                in[channel] = block.in[channel] + first;
        intake_.take(playback_.host(), in, count);
        if (block.is_offline) {
            publish(left);
            if (!wait_for_sound(count))
                shared_->exchange.offline_gaps.fetch_add(1, std::memory_order_relaxed);
        }
        playback_.play(made, count);
        has_lead_in_ = false;
    }
    mix(block, first, count);
}

// Tell the link how far sound is wanted, and from where on it is of use.
void Plugin::publish(std::size_t frames) noexcept {
    Exchange& exchange = shared_->exchange;
    const bool is_offline = exchange.is_offline.load(std::memory_order_relaxed);
    const std::uint64_t ahead = is_offline ? frames : frames + lead_frames();
    const std::uint64_t room = exchange.sound.size() * 3 / 4;
    std::uint64_t needed = playback_.needed();
    if (has_lead_in_) needed -= std::min(needed, kLeadIn);
    exchange.needed.store(needed, std::memory_order_release);
    exchange.wanted.store(std::min(playback_.needed_until(ahead), needed + room),
                          std::memory_order_release);
}

std::uint64_t Plugin::lead_frames() const noexcept {
    const auto choice = static_cast<std::size_t>(std::clamp(value(id::buffer), 0.0f, 2.0f));
    return static_cast<std::uint64_t>(kLeadSeconds[choice] * host_rate_);
}

// Offline only: wait until so many samples can be sounded. Never longer than patience lasts, which
// is given back when sound comes.
bool Plugin::wait_for_sound(std::size_t count) noexcept {
    const std::uint64_t enough = playback_.needed_until(count);
    const auto is_there = [&] {
        return playback_.has_epoch() && shared_->exchange.sound.end() >= enough;
    };
    if (is_there()) return true;
    const double begin = seconds_now();
    double waited = 0.0, hopeless = 0.0;
    link_->wake();
    while (!is_there() && waited < patience_ && hopeless < options_.hopeless_seconds) {
        std::this_thread::sleep_for(kNap);
        const double now = seconds_now() - begin;
        const bool is_hopeful = shared_->exchange.is_linked.load(std::memory_order_acquire) ||
                                shared_->exchange.is_hopeful.load(std::memory_order_acquire);
        hopeless = is_hopeful ? 0.0 : hopeless + (now - waited);
        waited = now;
    }
    patience_ = is_there() ? options_.offline_wait_seconds : 0.0;
    return is_there();
}

void Plugin::mix(const Block& block, std::size_t first, std::size_t count) noexcept {
    const bool is_bypassed = value(id::bypass) >= 0.5f;
    const float share = value(id::mix);
    const float dry = is_bypassed ? 1.0f : std::min(1.0f, 2.0f * (1.0f - share));
    const float wet = is_bypassed ? 0.0f : std::min(1.0f, 2.0f * share);
    for (std::size_t i = 0; i < count; ++i) {
        dry_ = toward(dry_, dry, gain_step_);
        wet_ = toward(wet_, wet, gain_step_);
        for (int channel = 0; channel < kChannels; ++channel) {
            const float in = block.in != nullptr ? block.in[channel][first + i] : 0.0f;
            const float made = ceiling(made_[channel * Playback::kMaxPiece + i]);
            block.out[channel][first + i] = dry_ * in + wet_ * made;
            peak_in_ = std::max(peak_in_, std::fabs(in));
            peak_out_ = std::max(peak_out_, wet_ * std::fabs(made));
        }
    }
}

// --- values -------------------------------------------------------------------------------------

void Plugin::set_value(int parameter, float value) noexcept {
    const Parameter& row = kParameters[parameter];
    if (std::isnan(value) && !row.can_be_left) return;
    const float high =
        row.kind == Kind::choice ? static_cast<float>(row.choice_count - 1) : row.high;
    const float bounded = std::isnan(value) ? value : std::clamp(value, row.low, high);
    shared_->exchange.values[static_cast<std::size_t>(parameter)].store(bounded);
}

float Plugin::value(int parameter) const noexcept {
    return shared_->exchange.values[static_cast<std::size_t>(parameter)].load(
        std::memory_order_relaxed);
}

void Plugin::set_prompt(int index, std::string text) {
    shared_->wishes.set_prompt(index, std::move(text));
    if (link_ != nullptr) link_->wake();
}

void Plugin::panic() {
    shared_->wishes.ask_once(kPanicCommand);
    if (link_ != nullptr) link_->wake();
}

// --- what is shown, and what is kept ------------------------------------------------------------

View Plugin::view() {
    const std::lock_guard lock(mutex_);
    Exchange& exchange = shared_->exchange;
    View view;
    view.report = shared_->board.copy();
    if (!view.report.bundle.empty())
        facts_ = {view.report.engine_version, view.report.bundle, view.report.bundle_name};
    view.underruns = exchange.underruns.load(std::memory_order_relaxed);
    view.offline_gaps = exchange.offline_gaps.load(std::memory_order_relaxed);
    view.peak_in = exchange.peak_in.load(std::memory_order_relaxed);
    view.peak_out = exchange.peak_out.load(std::memory_order_relaxed);
    view.is_rolling = exchange.is_rolling.load(std::memory_order_relaxed);
    view.is_resampling = host_rate_ != kLinkRate;
    view.here = exchange.here.fetch();
    const double end = static_cast<double>(exchange.sound.end());
    const bool is_there = static_cast<double>(exchange.sound.begin()) <= view.here.sample;
    view.buffer_seconds = is_there ? std::max(0.0, end - view.here.sample) / kLinkRate : 0.0;
    return view;
}

Kept Plugin::keep(int bars) {
    const SongPoint here = view().here;
    const double bpm = here.time.bpm.value_or(kBpmWithoutSong);
    const Signature signature = here.time.signature.value_or(Signature());
    const double bar = 4.0 * signature.beats / signature.unit;  // quarters
    const double samples_a_quarter = 60.0 / bpm * kLinkRate;
    double into_bar = 0.0;
    if (const auto quarter = here.quarter_at(here.sample)) {
        into_bar = std::fmod(*quarter - here.time.bar_quarter.value_or(0.0), bar);
        if (into_bar < 0.0) into_bar += bar;
    }
    const double end = here.sample - into_bar * samples_a_quarter;
    const double begin = std::max(static_cast<double>(shared_->history.begin()),
                                  end - bars * bar * samples_a_quarter);
    if (end <= begin) return {{}, bpm};
    const auto first = static_cast<std::uint64_t>(std::llround(begin));
    return {shared_->history.copy(first, static_cast<std::size_t>(std::llround(end - begin))), bpm};
}

std::string Plugin::save() {
    view();  // for the newest facts
    Saved saved;
    saved.prompts = shared_->wishes.prompts();
    for (int i = 0; i < kParameterCount; ++i) saved.values[static_cast<std::size_t>(i)] = value(i);
    const std::lock_guard lock(mutex_);
    saved.facts = facts_;
    saved.editor = editor_;
    saved.take = shared_->take.name();
    return state_.write(saved);
}

bool Plugin::restore(std::string_view text) {
    Saved saved;
    {
        const std::lock_guard lock(mutex_);
        if (!state_.read(text, saved)) return false;
        facts_ = saved.facts;
        editor_ = saved.editor;
    }
    for (int i = 0; i < kParameterCount; ++i)
        set_value(i, saved.values[static_cast<std::size_t>(i)]);
    shared_->take.write(Take::is_name(saved.take) ? saved.take : "");
    shared_->wishes.set_prompts(std::move(saved.prompts));
    if (link_ != nullptr) link_->wake();
    return true;
}

double Plugin::editor_value(const std::string& name, double otherwise) const {
    const std::lock_guard lock(mutex_);
    const auto found = editor_.find(name);
    return found != editor_.end() ? found->second : otherwise;
}

void Plugin::set_editor_value(const std::string& name, double value) {
    const std::lock_guard lock(mutex_);
    editor_[name] = value;
}

}  // namespace antiphon
