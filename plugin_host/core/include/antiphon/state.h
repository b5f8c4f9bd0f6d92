// State: what a project keeps of one instance, as versioned JSON.
//
// In:  prompts, values and a few facts about the engine. Out: text, and the same back. What is not
// known here, as a newer version may write it, survives a round trip at every level; what is of the
// wrong kind counts as not there. Holds no address, no token, no path: those are the user's, not
// the project's. On any thread but the audio thread; the owner guards it.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "antiphon/wishes.h"

namespace antiphon {

// What was playing when the project was saved, for a word if it is another one later.
struct Facts {
    std::string engine_version, bundle, bundle_name;
};

struct Saved {
    Prompts prompts;
    Values values;
    Facts facts;
    std::map<std::string, double> editor;  // its size and what it shows
    std::string take;                      // name of the take that was recorded, if any
};

class State {
  public:
    static constexpr int kFormat = 1;
    static constexpr std::size_t kMaxBytes = 1 << 20;

    std::string write(const Saved& saved) const;
    // False, and nothing changes, if the text is no state of ours.
    bool read(std::string_view text, Saved& saved);

  private:
    std::string last_read_ = "{}";  // for what is not known here
};

}  // namespace antiphon
