// Launcher: starts `antiphon serve` when no engine runs, once for all instances.
//
// In:  the user's settings. Out: a process of its own, which outlives the host, or the reason why
// not. A lock file keeps twenty instances from starting twenty engines. On the link's thread.

#pragma once

#include <string>
#include <vector>

#include "antiphon/discovery.h"

namespace antiphon {

class Launcher {
  public:
    ~Launcher();

    // Start one, unless another instance is doing so or this one tried a while ago.
    //
    // Returns: what to show meanwhile, or why there is none and what to do.
    std::string start(const UserSettings& settings, double now);
    // An engine was found: the next one may be started.
    void settle();
    // Whether one was started here and has not ended.
    bool is_starting();

  private:
    std::string spawn(const std::vector<std::string>& command);
    bool lock();

    int lock_ = -1;  // the lock file, while it is held
    long child_ = 0;
    double again_at_ = 0.0;  // second
    std::string said_;
};

// The command that starts an engine; empty if there is none.
std::vector<std::string> engine_command(const UserSettings& settings);

}  // namespace antiphon
