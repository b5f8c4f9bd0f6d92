// libzmq, loaded when it is first needed and not before.
//
// Loading at run time keeps a dozen libraries out of a host that only scans its plugins, and lets
// the plugin load, pass audio and say what is missing where libzmq is not installed.
// On the link's thread.

#pragma once

#include <cstddef>
#include <string>

#include <zmq.h>

namespace antiphon {

struct ZmqLibrary {
    // The library, or nothing; then `problem` says why and what to do.
    static const ZmqLibrary* load(std::string& problem);

    decltype(&::zmq_ctx_new) ctx_new;
    decltype(&::zmq_ctx_set) ctx_set;
    decltype(&::zmq_ctx_term) ctx_term;
    decltype(&::zmq_ctx_shutdown) ctx_shutdown;
    decltype(&::zmq_socket) socket;
    decltype(&::zmq_close) close;
    decltype(&::zmq_setsockopt) setsockopt;
    decltype(&::zmq_getsockopt) getsockopt;
    decltype(&::zmq_connect) connect;
    decltype(&::zmq_bind) bind;
    decltype(&::zmq_send) send;
    decltype(&::zmq_msg_init) msg_init;
    decltype(&::zmq_msg_recv) msg_recv;
    decltype(&::zmq_msg_data) msg_data;
    decltype(&::zmq_msg_size) msg_size;
    decltype(&::zmq_msg_more) msg_more;
    decltype(&::zmq_msg_close) msg_close;
    decltype(&::zmq_poll) poll;
    decltype(&::zmq_errno) last_error;
    decltype(&::zmq_strerror) strerror;
};

}  // namespace antiphon
