#include "antiphon/song.h"

namespace antiphon {
namespace {

constexpr double kMaxQuarter = 1e9, kMinBpm = 1.0, kMaxBpm = 1000.0;  // as the engine takes them
constexpr int kMaxBeats = 64, kMaxUnit = 32;
constexpr double kJumpSeconds = 0.005;   // what a switch on the bar may be off
constexpr double kDriftSeconds = 0.001;  // less is left as predicted
constexpr double kSameBpm = 1e-4;        // of the tempo
constexpr double kTick = 1.0 / 960.0;    // quarters: hosts count no more coarsely

bool is_place(double quarter) { return std::isfinite(quarter) && std::abs(quarter) <= kMaxQuarter; }

template <typename T, typename Test>
std::optional<T> only_if(const std::optional<T>& value, Test test) {
    return value && test(*value) ? value : std::nullopt;
}

bool is_signature(const Signature& found) {
    const bool is_power = found.unit > 0 && (found.unit & (found.unit - 1)) == 0;
    return found.beats >= 1 && found.beats <= kMaxBeats && is_power && found.unit <= kMaxUnit;
}

bool is_loop(const Loop& found) {
    return is_place(found.start) && is_place(found.end) && found.end > found.start;
}

bool differ(const std::optional<double>& a, const std::optional<double>& b, double part) {
    if (a.has_value() != b.has_value()) return true;
    return a && std::abs(*a - *b) > part * std::abs(*b);
}

bool differ(const std::optional<Loop>& a, const std::optional<Loop>& b) {
    if (a.has_value() != b.has_value()) return true;
    return a && (a->start != b->start || a->end != b->end);
}

bool differ(const std::optional<Signature>& a, const std::optional<Signature>& b) {
    if (a.has_value() != b.has_value()) return true;
    return a && (a->beats != b->beats || a->unit != b->unit);
}

// Whether two bar starts lie on different grids; hosts tell where the current bar began, bar by
// bar.
bool differ_in_grid(const HostTime& a, const HostTime& b) {
    if (a.bar_quarter.has_value() != b.bar_quarter.has_value()) return true;
    if (!a.bar_quarter || !a.signature) return false;
    const double bar = 4.0 * a.signature->beats / a.signature->unit;
    return std::abs(std::remainder(*a.bar_quarter - *b.bar_quarter, bar)) > 1e-6 * bar + 1e-6;
}

}  // namespace

HostTime HostTime::checked() const noexcept {
    HostTime good = *this;
    good.bpm = only_if(bpm, [](double b) { return b >= kMinBpm && b <= kMaxBpm; });
    good.quarter = good.bpm ? only_if(quarter, is_place) : std::nullopt;  // a place that moves
    good.bar_quarter = good.quarter ? only_if(bar_quarter, is_place) : std::nullopt;
    good.seconds = good.quarter ? only_if(seconds, is_place) : std::nullopt;
    good.is_rough = good.seconds == 0.0 && *good.quarter < 0.0;
    if (good.is_rough) good.seconds = *good.quarter * 60.0 / *good.bpm;
    good.signature = only_if(signature, is_signature);
    good.loop = only_if(loop, is_loop);
    return good;
}

HostTime HostTime::ending_at_start(double block_seconds) const noexcept {
    HostTime exact = *this;
    const bool ends_there =
        is_rough && std::abs(*seconds + block_seconds) <= kTick * 60.0 / bpm.value_or(120.0);
    if (ends_there) {
        exact.seconds = -block_seconds;
        exact.is_rough = false;
    }
    return exact;
}

HostTime HostTime::later(double link_samples) const noexcept {
    HostTime moved = *this;
    if (!quarter || !bpm || !is_playing) return moved;
    const double straight = *quarter + link_samples / kLinkRate * *bpm / 60.0;
    double place = straight;
    if (loop && *quarter < loop->end && place >= loop->end)
        place = loop->start + std::fmod(place - loop->end, loop->end - loop->start);
    moved.quarter = place;
    if (seconds)
        moved.seconds = *seconds + link_samples / kLinkRate - (straight - place) * 60.0 / *bpm;
    return moved;
}

std::optional<double> SongPoint::quarter_at(double at) const noexcept {
    return time.later(at - sample).quarter;
}

std::optional<std::int64_t> SongPoint::place_at(double at) const noexcept {
    const HostTime there = time.later(at - sample);
    if (!there.quarter || !there.seconds) return std::nullopt;
    return std::llround(*there.seconds * kLinkRate);
}

SongPoint SongPoint::moved_to(double at) const noexcept { return {at, time.later(at - sample)}; }

News SongWatch::see(const HostTime& said, double sample) noexcept {
    const News news = knows_ ? compare(said, sample) : News::jumped;
    const bool starts = knows_ && said.is_playing != point_.time.is_playing;
    if (news != News::none || starts) point_ = {sample, said};
    knows_ = true;
    return news;
}

News SongWatch::compare(const HostTime& said, double sample) const noexcept {
    const HostTime& before = point_.time;
    if (said.quarter.has_value() != before.quarter.has_value()) return News::jumped;
    const bool is_new = differ(said.bpm, before.bpm, kSameBpm) || differ(said.loop, before.loop) ||
                        differ(said.signature, before.signature) || differ_in_grid(said, before);
    if (said.quarter) {
        const double seconds_a_quarter = 60.0 / said.bpm.value_or(120.0);
        const double off = std::abs(*said.quarter - *point_.quarter_at(sample)) * seconds_a_quarter;
        if (off > kJumpSeconds) return News::jumped;
        if (off > kDriftSeconds) return News::changed;
    }
    if (is_new) return News::changed;
    return before.is_rough && !said.is_rough ? News::refined : News::none;
}

}  // namespace antiphon
