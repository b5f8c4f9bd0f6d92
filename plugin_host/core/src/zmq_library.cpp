#include "antiphon/zmq_library.h"

#include <dlfcn.h>

#include <mutex>

namespace antiphon {
namespace {

#if defined(__APPLE__)
constexpr const char* kNames[] = {"libzmq.5.dylib", "libzmq.dylib"};
#else
constexpr const char* kNames[] = {"libzmq.so.5"};
#endif

template <typename Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
}

bool find_all(void* from, ZmqLibrary& zmq) {
    return find(from, "zmq_ctx_new", zmq.ctx_new) && find(from, "zmq_ctx_set", zmq.ctx_set) &&
           find(from, "zmq_ctx_term", zmq.ctx_term) &&
           find(from, "zmq_ctx_shutdown", zmq.ctx_shutdown) &&
           find(from, "zmq_socket", zmq.socket) && find(from, "zmq_close", zmq.close) &&
           find(from, "zmq_setsockopt", zmq.setsockopt) &&
           find(from, "zmq_getsockopt", zmq.getsockopt) && find(from, "zmq_connect", zmq.connect) &&
           find(from, "zmq_bind", zmq.bind) && find(from, "zmq_send", zmq.send) &&
           find(from, "zmq_msg_init", zmq.msg_init) && find(from, "zmq_msg_recv", zmq.msg_recv) &&
           find(from, "zmq_msg_data", zmq.msg_data) && find(from, "zmq_msg_size", zmq.msg_size) &&
           find(from, "zmq_msg_more", zmq.msg_more) && find(from, "zmq_msg_close", zmq.msg_close) &&
           find(from, "zmq_poll", zmq.poll) && find(from, "zmq_errno", zmq.last_error) &&
           find(from, "zmq_strerror", zmq.strerror);
}

}  // namespace

const ZmqLibrary* ZmqLibrary::load(std::string& problem) {
    static std::mutex mutex;
    static ZmqLibrary zmq;
    static bool is_loaded = false;
    const std::lock_guard lock(mutex);
    if (is_loaded) return &zmq;
    void* library = nullptr;
    for (const char* name : kNames)
        if (library == nullptr) library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        problem = "libzmq is not installed. Install it: apt-get install libzmq5.";
        return nullptr;
    }
    is_loaded = find_all(library, zmq);
    if (!is_loaded) problem = "libzmq is too old, expected 4.2 or later.";
    return is_loaded ? &zmq : nullptr;
}

}  // namespace antiphon
