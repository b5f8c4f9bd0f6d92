#include "antiphon/take_desk.h"

#include <algorithm>
#include <cmath>

namespace antiphon {
namespace {

constexpr float kRecord = 1.0f, kReplay = 2.0f;  // values of the parameter
constexpr std::uint64_t kRecordStep = 9600;      // link samples; less is not worth a write
constexpr std::size_t kSendStep = 4096;
constexpr std::int64_t kSlack = 2;  // rounding, in samples; loops are longer
constexpr const char* kNoPlace =
    "The host does not say where its song is, so a take has no place to be replayed at.";
constexpr const char* kNoTake = "There is no take yet. Set Take to record, and play.";

float wanted(const Exchange& exchange) {
    return std::round(exchange.values[id::take].load(std::memory_order_relaxed));
}

}  // namespace

TakeDesk::TakeDesk(Exchange& exchange, History& history, TakeSlip& slip)
    : exchange_(exchange), history_(history), slip_(slip), left_(kSendStep), right_(kSendStep) {}

void TakeDesk::hear(std::uint64_t sample, const float* left, const float* right,
                    std::size_t count) {
    history_.hear(sample, left, right, count);
}

void TakeDesk::follow(const SongPoint& point) {
    const auto first = static_cast<std::uint64_t>(std::ceil(std::max(0.0, point.sample)));
    record_until(first);
    song_ = point;
    recorded_ = first;
}

// How far the timeline goes on without a leap; it leaps where a loop begins again.
std::optional<TakeDesk::Run> TakeDesk::run_from(std::uint64_t sample, std::uint64_t end) const {
    const auto place = song_.place_at(static_cast<double>(sample));
    if (!place || end <= sample) return std::nullopt;
    const auto goes_on = [&](std::uint64_t count) {
        const auto there = song_.place_at(static_cast<double>(sample + count));
        return std::llabs(*there - *place - static_cast<std::int64_t>(count)) <= kSlack;
    };
    std::uint64_t low = 0, high = end - sample;
    if (goes_on(high - 1)) return Run{*place, high};
    while (high - low > 1) {
        const std::uint64_t middle = low + (high - low) / 2;
        (goes_on(middle) ? low : high) = middle;
    }
    return Run{*place, high};
}

// --- recording ----------------------------------------------------------------------------------

void TakeDesk::note() { heard_ = exchange_.needed.load(std::memory_order_acquire); }

void TakeDesk::record() {
    const bool is_rolling = exchange_.is_rolling.load(std::memory_order_acquire);
    if (is_rolling && heard_ < recorded_ + kRecordStep) return;
    record_until(heard_);
}

void TakeDesk::record_until(std::uint64_t end) {
    const bool is_wanted = wanted(exchange_) == kRecord && !is_replaying_ &&
                           !exchange_.is_offline.load(std::memory_order_acquire);
    end = std::min(end, history_.end());
    if (!is_wanted || recorded_ < history_.begin()) recorded_ = std::max(recorded_, end);
    while (recorded_ < end) {
        const std::optional<Run> run = run_from(recorded_, end);
        if (!run) problem_ = kNoPlace;
        if (!run || !open_for_writing()) break;
        const auto count = static_cast<std::size_t>(run->count);
        problem_.clear();
        if (!take_.append(run->place, history_.copy(recorded_, count).data(), count))
            problem_ = Take::folder() + " cannot be written to, so nothing is recorded.";
        recorded_ += count;
    }
    recorded_ = std::max(recorded_, end);
}

bool TakeDesk::open_for_writing() {
    const std::string name = slip_.name();
    if (take_.is_open() && is_own_ && take_.name() == name) return true;
    const bool has_old = !name.empty() && take_.open(name, problem_);
    is_own_ = has_old ? take_.fork(problem_) : take_.create(problem_);
    if (is_own_) slip_.write(take_.name());
    return is_own_;
}

// --- replaying ----------------------------------------------------------------------------------

bool TakeDesk::is_replay_wanted() const { return wanted(exchange_) == kReplay; }

void TakeDesk::begin_replay(Memory& memory) {
    record_until(heard_);
    is_replaying_ = true;
    take_.close();
    song_ = memory.song;
    if (memory.epoch) begin_epoch(*memory.epoch);
    memory.epoch.reset();
    exchange_.stale.fetch_add(1, std::memory_order_release);
}

void TakeDesk::end_replay(Memory& memory) {
    is_replaying_ = false;
    problem_.clear();
    take_.close();
    const std::uint64_t next = std::max(exchange_.sound.end(), exchange_.needed.load());
    memory.song = song_.moved_to(static_cast<double>(next));
    memory.session.clear();
    memory.token.clear();
    if (exchange_.sound.epoch() != 0) {
        Event event;
        event.kind = Event::Kind::epoch;
        event.epoch = exchange_.sound.epoch();
        event.is_fresh = true;
        event.point = memory.song;
        memory.epoch = event;
    }
    recorded_ = next;
    exchange_.stale.fetch_add(1, std::memory_order_release);
}

void TakeDesk::replay() {
    take_events();
    open_for_reading();
    const std::uint64_t needed = exchange_.needed.load(std::memory_order_acquire);
    const std::uint64_t end = exchange_.wanted.load(std::memory_order_acquire);
    for (std::uint64_t at = std::max(exchange_.sound.end(), needed); at < end;) {
        const std::uint64_t before = at;
        const std::optional<Run> run = run_from(at, std::min<std::uint64_t>(end, at + kSendStep));
        const auto count = static_cast<std::size_t>(
            run ? run->count : std::min<std::uint64_t>(end - at, kSendStep));
        if (!run && problem_.empty()) problem_ = kNoPlace;
        take_.read(run ? run->place : 0, run ? count : 0, left_.data(), right_.data());
        if (!run) std::fill_n(left_.data(), count, 0.0f), std::fill_n(right_.data(), count, 0.0f);
        at += exchange_.sound.write(at, left_.data(), right_.data(), count);
        history_.hear(before, left_.data(), right_.data(), static_cast<std::size_t>(at - before));
        if (at == before) return;  // no room; later
    }
}

void TakeDesk::open_for_reading() {
    const std::string name = slip_.name();
    if (take_.is_open() && take_.name() == name) return problem_.clear();
    if (name.empty()) {
        problem_ = kNoTake;
        return take_.close();
    }
    is_own_ = false;
    take_.open(name, problem_);
}

void TakeDesk::take_events() {
    Event event;
    while (exchange_.events.pop(event)) {
        if (event.kind == Event::Kind::song) song_ = event.point;
        if (event.kind == Event::Kind::epoch) begin_epoch(event);
    }
}

void TakeDesk::begin_epoch(const Event& event) {
    song_ = event.point;
    exchange_.sound.begin_epoch(event.epoch,
                                static_cast<std::uint64_t>(std::ceil(std::max(0.0, song_.sample))));
}

}  // namespace antiphon
