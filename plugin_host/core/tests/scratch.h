// A folder for one test, in which plugins look for engines; and waiting for what another thread
// does.

#pragma once

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include <ftw.h>
#include <unistd.h>

namespace antiphon::test {

inline double seconds() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

// Wait until something holds; false after so many seconds. The limit is for broken code only.
template <typename Holds>
bool wait_until(Holds holds, double within = 60.0) {
    for (const double end = seconds() + within; seconds() < end;) {
        if (holds()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return holds();
}

struct Scratch {
    std::string path;

    Scratch() {
        char name[] = "/tmp/antiphon-test-XXXXXX";
        path = mkdtemp(name);
        setenv("ANTIPHON_RUNTIME_DIR", path.c_str(), 1);
        setenv("XDG_CONFIG_HOME", path.c_str(), 1);
    }
    ~Scratch() {
        nftw(
            path.c_str(), [](const char* at, const struct stat*, int, FTW*) { return remove(at); },
            8, FTW_DEPTH | FTW_PHYS);
    }
    Scratch(const Scratch&) = delete;
};

}  // namespace antiphon::test
