// Discovery: which engines run on this machine, and where they listen.
//
// In:  the small files that engines leave in the user's runtime folder (bridge/discovery.py writes
// them). Out: the engines whose process is there, newest first. Also where the user's own settings
// for all plugins are, which no project may hold: addresses, the command that starts an engine,
// keys. Reads a few files; on the link's thread.

#pragma once

#include <string>
#include <vector>

#include "antiphon/socket.h"

namespace antiphon {

struct Engine {
    long pid = 0;          // 0: on another machine
    double started = 0.0;  // seconds since 1970
    std::string boot, version, control, curve_key;
};

// What the user set for all instances, from the settings file; see plugin_host/README.md.
struct UserSettings {
    std::string engine;                // an address, instead of looking for one
    std::string engine_key;            // its public key, where it is locked
    std::string keys;                  // this machine's key files, without their endings
    std::vector<std::string> command;  // that starts an engine; empty: look for `antiphon`
    bool may_start = true;             // whether the plugin may start one
};

std::string runtime_folder();
std::string settings_path();

// Engines that run, newest first. `problem` says why the folder cannot be trusted, if so.
std::vector<Engine> find_engines(std::string& problem);
bool is_alive(long pid);

// Never fails: what cannot be read is as if not there, and `problem` says so.
UserSettings read_user_settings(std::string& problem);

// This machine's keys for an engine that wants them; false if there are none.
bool read_keys(const UserSettings& settings, const std::string& engine_key, CurveKeys& keys);

}  // namespace antiphon
