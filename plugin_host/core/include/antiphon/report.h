// The report: how the link is, in words and numbers, for whoever shows it.
//
// Written by the link's thread, copied by any other but the audio thread.

#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "antiphon/messages.h"

namespace antiphon {

enum class LinkState { asleep, searching, starting, greeting, priming, playing, replaying };

struct Report {
    LinkState state = LinkState::asleep;
    std::string reason;  // why there is no music, and the next move; empty while there is
    std::string engine_version, bundle, bundle_name, session;
    heard::Status engine;
    std::deque<std::string> remarks;  // the newest last
    std::uint64_t bad_messages = 0;   // that were dropped
    std::uint64_t stale_messages = 0;
    std::uint64_t reconnects = 0;
    bool is_reduced = false;   // made with less quality, to stay on time
    std::uint64_t change = 0;  // the newest one in force
    double change_ms = 0.0;    // from asking for the last change to the answer that it is done
};

class ReportBoard {
  public:
    static constexpr std::size_t kMaxRemarks = 20;

    Report copy() const {
        const std::lock_guard lock(mutex_);
        return report_;
    }

    // [link-thread]
    template <typename Change>
    void change(Change change) {
        const std::lock_guard lock(mutex_);
        change(report_);
    }

    // [link-thread]
    void remark(std::string text) {
        const std::lock_guard lock(mutex_);
        if (!report_.remarks.empty() && report_.remarks.back() == text) return;
        report_.remarks.push_back(std::move(text));
        if (report_.remarks.size() > kMaxRemarks) report_.remarks.pop_front();
    }

  private:
    mutable std::mutex mutex_;
    Report report_;
};

}  // namespace antiphon
