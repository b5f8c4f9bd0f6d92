#include "antiphon/take.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <random>

#include "antiphon/axis.h"
#include "antiphon/json.h"

namespace antiphon {
namespace {

constexpr std::size_t kFrameBytes = kChannels * sizeof(float), kHeaderBytes = 44;
constexpr std::size_t kMaxStretches = 10'000, kMaxNameCharacters = 64;
constexpr std::size_t kMaxIndexBytes = 1 << 20;
constexpr std::uint64_t kMaxFrames = 0xF0000000u / kFrameBytes;  // a WAV file counts in 32 bits

bool make_folders(const std::string& path) {
    for (std::size_t at = 1; at != std::string::npos;) {
        at = path.find('/', at + 1);
        const std::string part = path.substr(0, at);
        if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return false;
    }
    return true;
}

std::string new_name() {
    char stamp[32];
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S-", &local);
    std::random_device device;
    std::string name = stamp;
    for (int i = 0; i < 8; ++i) name += "0123456789abcdef"[device() % 16];
    return name;
}

// The header of a WAV file of float samples with so many frames in it.
void put_header(int handle, std::uint64_t frames) {
    const auto bytes = static_cast<std::uint32_t>(frames * kFrameBytes);
    const std::uint32_t riff = bytes + 36, fmt = 16, rate = kLinkRate;
    const std::uint32_t per_second = kLinkRate * kFrameBytes;
    const std::uint16_t kind = 3, channels = kChannels, align = kFrameBytes, bits = 32;
    char header[kHeaderBytes];
    const auto put = [&header](std::size_t at, const void* value, std::size_t size) {
        std::memcpy(header + at, value, size);
    };
    put(0, "RIFF", 4), put(4, &riff, 4), put(8, "WAVEfmt ", 8), put(16, &fmt, 4);
    put(20, &kind, 2), put(22, &channels, 2), put(24, &rate, 4), put(28, &per_second, 4);
    put(32, &align, 2), put(34, &bits, 2), put(36, "data", 4), put(40, &bytes, 4);
    [[maybe_unused]] const auto written = pwrite(handle, header, sizeof header, 0);
}

std::uint64_t frames_of(int handle) {
    struct stat found {};
    if (fstat(handle, &found) != 0 || found.st_size < static_cast<off_t>(kHeaderBytes)) return 0;
    return (static_cast<std::uint64_t>(found.st_size) - kHeaderBytes) / kFrameBytes;
}

}  // namespace

std::string Take::folder() {
    const char* data = std::getenv("XDG_DATA_HOME");
    const char* home = std::getenv("HOME");
    const std::string base = data != nullptr && *data != 0
                                 ? data
                                 : std::string(home != nullptr ? home : "") + "/.local/share";
    return base + "/antiphon/takes/plugin";
}

bool Take::is_name(const std::string& text) {
    const auto is_good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    };
    return !text.empty() && text.size() <= kMaxNameCharacters &&
           std::all_of(text.begin(), text.end(), is_good);
}

Take::~Take() { close(); }

void Take::close() {
    for (const Stretch& stretch : stretches_)
        if (stretch.handle >= 0) ::close(stretch.handle);
    stretches_.clear();
    name_.clear();
    is_writing_ = false;
}

bool Take::create(std::string& problem) {
    close();
    name_ = new_name();
    if (make_folders(folder() + "/" + name_) && write_index()) return true;
    problem = folder() + " cannot be written to, so nothing is recorded.";
    name_.clear();
    return false;
}

bool Take::open(const std::string& name, std::string& problem) {
    close();
    problem = "The take " + name + " is not on this machine.";
    if (!is_name(name)) return false;
    name_ = name;
    std::ifstream file(path("take.json"), std::ios::binary);
    std::string text(kMaxIndexBytes, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
    const Json json = Json::parse(text).value_or(Json());
    for (const Json& item : json.at("stretches").items()) {
        const auto place = item.integer("place");
        const std::string number = item.text("file");
        if (!place || !is_name(number) || stretches_.size() == kMaxStretches) continue;
        Stretch stretch{number, *place, 0,
                        ::open(path(number + ".wav").c_str(), O_RDONLY | O_CLOEXEC)};
        if (stretch.handle < 0) continue;
        stretch.frames = frames_of(stretch.handle);
        stretches_.push_back(stretch);
    }
    if (json.integer("format") == 1) return problem.clear(), true;
    close();
    return false;
}

bool Take::fork(std::string& problem) {
    const std::string from = path("");
    name_ = new_name();
    bool is_good = make_folders(folder() + "/" + name_);
    for (const Stretch& stretch : stretches_)
        is_good &=
            link((from + stretch.file + ".wav").c_str(), path(stretch.file + ".wav").c_str()) == 0;
    is_writing_ = false;  // a linked file is the old take's as well, and is only read
    if (is_good && write_index()) return true;
    problem = folder() + " cannot be written to, so nothing is recorded.";
    close();
    return false;
}

bool Take::append(std::int64_t place, const float* frames, std::size_t count) {
    if (!is_open()) return false;
    const bool goes_on =
        is_writing_ && !stretches_.empty() &&
        stretches_.back().place + static_cast<std::int64_t>(stretches_.back().frames) == place &&
        stretches_.back().frames + count < kMaxFrames;
    if (!goes_on && !begin_stretch(place)) return false;
    Stretch& stretch = stretches_.back();
    const auto at = static_cast<off_t>(kHeaderBytes + stretch.frames * kFrameBytes);
    const auto size = static_cast<ssize_t>(count * kFrameBytes);
    if (pwrite(stretch.handle, frames, static_cast<std::size_t>(size), at) != size) return false;
    stretch.frames += count;
    put_header(stretch.handle, stretch.frames);
    return true;
}

bool Take::begin_stretch(std::int64_t place) {
    if (stretches_.size() == kMaxStretches) return false;
    Stretch stretch{std::to_string(stretches_.size() + 1), place, 0, -1};
    stretch.handle =
        ::open(path(stretch.file + ".wav").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (stretch.handle < 0) return false;
    put_header(stretch.handle, 0);
    stretches_.push_back(stretch);
    is_writing_ = true;
    return write_index();
}

bool Take::write_index() const {
    Json stretches = Json::array();
    for (const Stretch& stretch : stretches_)
        stretches.add(Json::object().set("file", stretch.file).set("place", stretch.place));
    Json json = Json::object().set("format", std::int64_t{1}).set("rate", std::int64_t{kLinkRate});
    const std::string part = path("take.part");
    std::ofstream file(part, std::ios::binary | std::ios::trunc);
    file << json.set("stretches", stretches).dump(1) << "\n";
    file.close();
    return file && std::rename(part.c_str(), path("take.json").c_str()) == 0;
}

void Take::read(std::int64_t place, std::size_t count, float* left, float* right) {
    std::fill(left, left + count, 0.0f);
    std::fill(right, right + count, 0.0f);
    const std::int64_t end = place + static_cast<std::int64_t>(count);
    for (const Stretch& stretch : stretches_) {  // the oldest first, so that the newest is on top
        const std::int64_t first = std::max(place, stretch.place);
        const std::int64_t last =
            std::min(end, stretch.place + static_cast<std::int64_t>(stretch.frames));
        if (last <= first) continue;
        const auto frames = static_cast<std::size_t>(last - first);
        block_.resize(frames * kChannels);
        const auto at = static_cast<off_t>(
            kHeaderBytes + static_cast<std::uint64_t>(first - stretch.place) * kFrameBytes);
        const auto size = static_cast<ssize_t>(frames * kFrameBytes);
        if (pread(stretch.handle, block_.data(), static_cast<std::size_t>(size), at) != size)
            continue;
        for (std::size_t i = 0; i < frames; ++i) {
            left[static_cast<std::size_t>(first - place) + i] = block_[kChannels * i];
            right[static_cast<std::size_t>(first - place) + i] = block_[kChannels * i + 1];
        }
    }
}

}  // namespace antiphon
