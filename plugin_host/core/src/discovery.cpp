#include "antiphon/discovery.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "antiphon/json.h"

namespace antiphon {
namespace {

constexpr std::size_t kMaxFileBytes = 4096, kMaxFiles = 256;
constexpr std::size_t kKeyCharacters = 40;

std::string variable(const char* name) {
    const char* found = std::getenv(name);
    return found == nullptr ? "" : found;
}

bool is_folder(const std::string& path) {
    struct stat found {};
    return stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

std::string read_file(const std::string& path, std::size_t limit) {
    std::ifstream file(path, std::ios::binary);
    std::string text(limit, '\0');
    file.read(text.data(), static_cast<std::streamsize>(limit));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
    return text;
}

Json read_json(const std::string& path) {
    return Json::parse(read_file(path, kMaxFileBytes)).value_or(Json());
}

bool read_engine(const std::string& path, Engine& engine) {
    const Json json = read_json(path);
    const auto pid = json.integer("pid");
    const auto started = json.number("started");
    if (json.integer("format") != 1 || !pid || !started) return false;
    engine.pid = static_cast<long>(*pid);
    engine.started = *started;
    engine.boot = json.text("boot"), engine.version = json.text("version");
    engine.control = json.text("control"), engine.curve_key = json.text("curve_key");
    return !engine.control.empty() && is_alive(engine.pid);
}

std::string first_line(const std::string& path) {
    const std::string text = read_file(path, 256);
    return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace

// As bridge/folders.py has it.
std::string runtime_folder() {
    if (const std::string named = variable("ANTIPHON_RUNTIME_DIR"); !named.empty()) return named;
    if (const std::string own = variable("XDG_RUNTIME_DIR"); !own.empty() && is_folder(own))
        return own + "/antiphon";
    std::string temporary = "/tmp";
    for (const char* name : {"TMP", "TEMP", "TMPDIR"})  // the last counts most, as for Python
        if (const std::string found = variable(name); is_folder(found)) temporary = found;
    return temporary + "/antiphon-" + std::to_string(getuid());
}

std::string settings_path() {
    const std::string own = variable("XDG_CONFIG_HOME");
    return (own.empty() ? variable("HOME") + "/.config" : own) + "/antiphon/plugin.json";
}

bool is_alive(long pid) {
    return pid > 0 && (kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM);
}

std::vector<Engine> find_engines(std::string& problem) {
    const std::string folder = runtime_folder();
    struct stat found {};
    if (lstat(folder.c_str(), &found) != 0) return {};
    if (!S_ISDIR(found.st_mode) || found.st_uid != getuid() || (found.st_mode & 022) != 0) {
        problem = folder + " can be written to by others, so nothing in it is trusted. Delete it.";
        return {};
    }
    std::vector<Engine> engines;
    DIR* listing = opendir(folder.c_str());
    if (listing == nullptr) return {};
    std::size_t seen = 0;
    for (const dirent* entry = readdir(listing); entry != nullptr && seen < kMaxFiles;
         entry = readdir(listing)) {
        const std::string name = entry->d_name;
        if (name.rfind("engine-", 0) != 0 || name.find(".json") + 5 != name.size()) continue;
        ++seen;
        Engine engine;
        if (read_engine(folder + "/" + name, engine)) engines.push_back(engine);
    }
    closedir(listing);
    std::sort(engines.begin(), engines.end(),
              [](const Engine& a, const Engine& b) { return a.started > b.started; });
    return engines;
}

UserSettings read_user_settings(std::string& problem) {
    UserSettings settings;
    const std::string path = settings_path();
    if (access(path.c_str(), R_OK) != 0) return settings;
    const Json json = read_json(path);
    if (!json.is_object()) {
        problem = path + " is no JSON object, so it is not used.";
        return settings;
    }
    settings.engine = json.text("engine");
    settings.engine_key = json.text("engine_key");
    settings.keys = json.text("keys");
    settings.may_start = json.at("start").flag().value_or(true);
    for (const Json& word : json.at("command").items())
        if (word.text()) settings.command.push_back(*word.text());
    return settings;
}

bool read_keys(const UserSettings& settings, const std::string& engine_key, CurveKeys& keys) {
    if (settings.keys.empty()) return false;
    keys.engine = engine_key;
    keys.mine = first_line(settings.keys + ".public");
    keys.secret = first_line(settings.keys + ".secret");
    return keys.engine.size() == kKeyCharacters && keys.mine.size() == kKeyCharacters &&
           keys.secret.size() == kKeyCharacters;
}

}  // namespace antiphon
