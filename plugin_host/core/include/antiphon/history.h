// History: the last minutes of what the engine played, for keeping what was just heard.
//
// In:  all sound of the link, at its place in the stream. Out: copies of any stretch that is still
// there. Memory is taken as music comes, up to 64 s, and never on the audio thread: the link's
// thread writes, the editor's reads, and a lock is between them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "antiphon/axis.h"

namespace antiphon {

class History {
  public:
    static constexpr std::size_t kMaxFrames = 64 * std::size_t{kLinkRate};

    // [link-thread] Sound before what is known is left out; a gap is silence.
    void hear(std::uint64_t sample, const float* left, const float* right, std::size_t count);

    std::uint64_t begin() const;
    std::uint64_t end() const;

    // A stretch [first, first + count), interleaved; silence where nothing is known.
    std::vector<float> copy(std::uint64_t first, std::size_t count) const;

  private:
    void append(const float* left, const float* right, std::size_t count);

    mutable std::mutex mutex_;
    std::vector<float> frames_;  // interleaved; a ring once it is full
    std::uint64_t end_ = 0, held_ = 0;
};

}  // namespace antiphon
