#include "antiphon/launcher.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

extern char** environ;

namespace antiphon {
namespace {

constexpr double kTryAgainSeconds = 30.0;  // loading a bundle takes a few
constexpr const char* kNoCommand =
    "No engine is running, and no `antiphon` was found to start one. Run `antiphon serve`, or "
    "`antiphon plugin install` once, which tells the plugin where it is.";

bool is_executable(const std::string& path) { return access(path.c_str(), X_OK) == 0; }

// Look for a program as a shell does, and where pip puts programs of the user's own.
std::string find_program(const std::string& name) {
    const char* path = std::getenv("PATH");
    const char* home = std::getenv("HOME");
    std::string folders = path == nullptr ? "" : path;
    if (home != nullptr) folders += std::string(":") + home + "/.local/bin";
    for (std::size_t begin = 0; begin <= folders.size();) {
        const std::size_t end = std::min(folders.find(':', begin), folders.size());
        const std::string found = folders.substr(begin, end - begin) + "/" + name;
        if (end > begin && is_executable(found)) return found;
        begin = end + 1;
    }
    return "";
}

}  // namespace

std::vector<std::string> engine_command(const UserSettings& settings) {
    if (!settings.command.empty()) return settings.command;
    const std::string program = find_program("antiphon");
    if (program.empty()) return {};
    return {program, "serve", "--sessions", "20", "--idle-seconds", "120"};
}

Launcher::~Launcher() {
    settle();
    if (child_ > 0) waitpid(static_cast<pid_t>(child_), nullptr, WNOHANG);
}

std::string Launcher::start(const UserSettings& settings, double now) {
    if (!settings.may_start) return "No engine is running. Start one: antiphon serve.";
    if (now < again_at_) return is_starting() ? "Starting the engine." : said_;
    again_at_ = now + kTryAgainSeconds;
    settle();
    const std::vector<std::string> command = engine_command(settings);
    if (command.empty()) return said_ = kNoCommand;
    if (!lock()) return said_ = "Another instance is starting the engine.";
    return said_ = spawn(command);
}

std::string Launcher::spawn(const std::vector<std::string>& command) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const std::string log = runtime_folder() + "/serve.log";
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
#if defined(__GLIBC__)
    posix_spawn_file_actions_addclosefrom_np(&files, 3);  // nothing of the host's goes along
#endif
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    pid_t child = 0;
    const int fault = posix_spawnp(&child, words[0], &files, &attributes, words.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (fault != 0)
        return "The engine could not be started (" + command[0] + ": " + std::strerror(fault) +
               "). Run `antiphon plugin install` again.";
    child_ = child;
    return "Starting the engine.";
}

bool Launcher::is_starting() {
    if (child_ <= 0) return false;
    int status = 0;
    if (waitpid(static_cast<pid_t>(child_), &status, WNOHANG) != child_) return true;
    child_ = 0;
    said_ =
        "The engine ended as soon as it was started; " + runtime_folder() + "/serve.log says why.";
    return false;
}

bool Launcher::lock() {
    const std::string folder = runtime_folder();
    mkdir(folder.c_str(), 0700);
    lock_ = open((folder + "/launch.lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (lock_ >= 0 && flock(lock_, LOCK_EX | LOCK_NB) == 0) return true;
    settle();
    return false;
}

void Launcher::settle() {
    if (lock_ >= 0) close(lock_);
    lock_ = -1;
}

}  // namespace antiphon
