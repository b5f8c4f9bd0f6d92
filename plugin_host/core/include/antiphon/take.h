// A take: what was heard, kept on disk at its place in the project, to be heard again bit for bit.
//
// In:  stretches of sound with their places on the host's timeline. Out: the same sound for the
// same places. A take is a folder of its own with one WAV file (float32, 48 kHz, stereo) for each
// stretch and `take.json`, which says where each begins; of two that overlap the newer is heard.
// Files are whole after every append. Names come from here alone, never from a project. Any one
// thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace antiphon {

class Take {
  public:
    ~Take();

    // Begin a take of a new name. False, and `problem` says why, if it cannot be written.
    bool create(std::string& problem);
    // Open one that is there. False if it is none.
    bool open(const std::string& name, std::string& problem);
    // Go on in a take of a new name that has all of this one; the old one stays as it is.
    bool fork(std::string& problem);
    void close();

    bool is_open() const { return !name_.empty(); }
    const std::string& name() const { return name_; }

    // Add sound behind the last, or at another place. Interleaved stereo.
    bool append(std::int64_t place, const float* frames, std::size_t count);
    // Find sound; silence where there is none.
    void read(std::int64_t place, std::size_t count, float* left, float* right);

    // Where all takes are, and whether a text can be the name of one.
    static std::string folder();
    static bool is_name(const std::string& text);

  private:
    struct Stretch {
        std::string file;
        std::int64_t place = 0;
        std::uint64_t frames = 0;
        int handle = -1;
    };

    bool begin_stretch(std::int64_t place);
    bool write_index() const;
    std::string path(const std::string& file) const { return folder() + "/" + name_ + "/" + file; }

    std::string name_;
    std::vector<Stretch> stretches_;
    bool is_writing_ = false;
    std::vector<float> block_;
};

}  // namespace antiphon
