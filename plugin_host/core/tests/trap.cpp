// The trap: proof that the audio thread's path is free of allocation, locks and system calls.
//
// While the trap is armed for a thread, malloc, free and the locks count as faults: they are
// replaced here for the whole program and pass on to the C library. A second proof covers what no
// replacement can: a thread under a seccomp filter in which every system call raises SIGSYS.
// A plain build only; sanitizers replace the same functions.

#include "trap.h"

#include <dlfcn.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void __libc_free(void*);
}

namespace {

thread_local bool is_armed = false;
thread_local long found = 0;
thread_local long calls = 0;

void note() {
    if (is_armed) ++found;
}

template <typename Function>
Function next(const char* name, Function) {
    const bool was_armed = is_armed;
    is_armed = false;
    auto* real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
    is_armed = was_armed;
    return real;
}

void on_call(int, siginfo_t*, void*) { ++calls; }

}  // namespace

extern "C" {
void* malloc(std::size_t size) { return note(), __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) { return note(), __libc_calloc(count, size); }
void* realloc(void* memory, std::size_t size) { return note(), __libc_realloc(memory, size); }
void free(void* memory) { return note(), __libc_free(memory); }
int pthread_mutex_lock(pthread_mutex_t* mutex) {
    static auto* real = next("pthread_mutex_lock", &pthread_mutex_lock);
    return note(), real(mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) {
    static auto* real = next("pthread_mutex_trylock", &pthread_mutex_trylock);
    return note(), real(mutex);
}
}

namespace antiphon::test {

Trap::Trap() : before_(found) { is_armed = true; }
Trap::~Trap() { is_armed = false; }
long Trap::faults() const { return found - before_; }

bool forbid_system_calls() {
    struct sigaction action {};
    action.sa_sigaction = on_call;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSYS, &action, nullptr);
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    const sock_fprog program = {sizeof rules / sizeof rules[0], rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

long system_calls() { return calls; }

void end_thread() { syscall(SYS_exit, 0); }

}  // namespace antiphon::test
