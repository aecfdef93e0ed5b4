// The process's worker threads: made when first needed, kept, joined at exit.
#pragma once
#include <cstdint>

namespace etalon::cpu {
/**
 * Runs task(argument, i) for i in [0, count) on up to `threads` threads, the caller's own among them, in any order, and waits for all.
 * A caller that finds the pool in use by another does its work alone: callers never wait for each other. task must not throw.
 */
void run_tasks(int threads, int64_t count, void (*task)(void* argument, int64_t index), void* argument);

/** run_tasks over a lambda. */
template <typename Task>
void parallel(int threads, int64_t count, Task&& task) {
  run_tasks(threads, count, [](void* argument, int64_t index) { (*static_cast<Task*>(argument))(index); }, &task);
}

/** Cores that this process may run on, at least 1. */
int usable_cores();
}  // namespace etalon::cpu
