// Counts what must not happen on an audio thread; see trap.cpp.

#pragma once

namespace antiphon::test {

// Armed for the calling thread from here to the end of the scope.
class Trap {
  public:
    Trap();
    ~Trap();
    Trap(const Trap&) = delete;
    long faults() const;  // allocations, frees and locks since

  private:
    long before_;
};

// From now on every system call of this thread is counted instead of made; for good. False where
// the kernel does not allow it.
bool forbid_system_calls();
long system_calls();
// The only way to end such a thread.
void end_thread();

}  // namespace antiphon::test
