// The half of a conversation that is heard: what becomes of each message of the engine's.
//
// In:  parts from both sockets. Out: sound in the ring, lines on the board, and a conversation that
// goes on or ends. A welcome belongs to the hello it answers: see conversation.cpp.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <variant>

#include "antiphon/conversation.h"

namespace antiphon {
namespace {

constexpr double kStale = 1.0;  // s, at most, for answers to what the session before was told

}  // namespace

void Conversation::take_control(std::string_view part, double now) {
    if (phase_ == Phase::over) return;
    const std::optional<heard::Message> message = heard::read(part);
    if (!message) return board_.change([](Report& report) { ++report.bad_messages; });
    heard_at_ = now;
    std::visit([&](const auto& found) { obey(found, now); }, *message);
}

void Conversation::take_audio(const void* part, std::size_t size, double now) {
    if (phase_ == Phase::over) return;
    const auto* bytes = static_cast<const char*>(part);
    if (size > 0 && bytes[0] == '{') return take_control({bytes, size}, now);
    wire::Header found;
    const bool is_good = wire::read(part, size, found) == wire::Fault::none &&
                         found.kind == static_cast<std::uint16_t>(wire::Kind::sound) &&
                         found.rate == kLinkRate && found.channels == kChannels;
    if (!is_good) return board_.change([](Report& report) { ++report.bad_messages; });
    heard_at_ = now;
    if (!std::equal(key_.begin(), key_.end(), found.key) || phase_ == Phase::greeting)
        return board_.change([](Report& report) { ++report.stale_messages; });
    const std::size_t count = found.samples;
    std::memcpy(left_.data(), bytes + wire::channel_offset(found, 0), count * sizeof(float));
    std::memcpy(right_.data(), bytes + wire::channel_offset(found, 1), count * sizeof(float));
    for (std::size_t i = 0; i < count; ++i) {
        if (!std::isfinite(left_[i])) left_[i] = 0.0f;
        if (!std::isfinite(right_[i])) right_[i] = 0.0f;
    }
    exchange_.sound.write(found.sample, left_.data(), right_.data(), count);
    if (listener_ != nullptr) listener_->hear(found.sample, left_.data(), right_.data(), count);
    board_.change([&](Report& report) {
        report.is_reduced = (found.flags & wire::kReduced) != 0;
        report.change = found.change;
    });
}

void Conversation::obey(const heard::Ack& ack, double now) {
    if (ack.what == "accepted") return;
    const auto found = asked_.find(ack.revision);
    if (found == asked_.end()) return;
    if (ack.what == "done")
        board_.change([&](Report& report) { report.change_ms = 1e3 * (now - found->second.at); });
    if (ack.what == "refused") board_.remark("The engine refused a change: " + ack.reason);
    asked_.erase(found);
}

void Conversation::obey(const heard::Refuse& refuse, double now) {
    const bool is_about_hello = refuse.about == "hello";
    if (refuse.code == "closing") return finish("The engine is shutting down.", false);
    if (refuse.code == "hello_first" || (refuse.code == "unknown" && !is_about_hello)) {
        if (phase_ == Phase::greeting) return;  // an answer to what was said before the hello
        if (refuse.about == "audio" &&
            now - welcomed_at_ < kStale) {  // or to an older key's credit
            credit_ = 0;                    // so that it is given again
            return;
        }
        phase_ = Phase::greeting;
        has_session_ = false;
        opened_at_ = hello_due_ = now;
        return show(LinkState::greeting);
    }
    if (!is_about_hello) return board_.remark(refuse.text);
    board_.change([&](Report& report) { report.reason = refuse.text; });
    if (refuse.code == "capacity" || refuse.code == "opening") {
        opened_at_ = now;
        hello_due_ = now + 1.0;
    } else if (refuse.code == "range" && !is_cautious_) {
        is_cautious_ = true;  // a setting that it does not take; asked one by one, the others hold
        hello_due_ = now;
    } else if (refuse.code == "busy" || refuse.code == "range") {
        memory_.session.clear();
        memory_.token.clear();
        hello_due_ = now + 0.1;
    } else {
        finish(refuse.text, true);
    }
}

void Conversation::obey(const heard::Heartbeat& heartbeat, double) {
    echoed_ = std::max(echoed_, std::min(heartbeat.count, fence_));
}

void Conversation::obey(const heard::Remark& remark, double) { board_.remark(remark.text); }

void Conversation::obey(const heard::Farewell& farewell, double) {
    if (phase_ == Phase::greeting) return;  // of the session that was left for a fresh one
    finish("The engine said goodbye: " + farewell.reason + ".", false);
}

void Conversation::obey(const heard::Status& status, double) {
    board_.change([&](Report& report) { report.engine = status; });
}

}  // namespace antiphon
