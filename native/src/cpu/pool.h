// The process's worker threads: made when first needed, kept, joined at exit.
#pragma once
#include <cstdint>
#include <type_traits>

namespace etalon::cpu {
/**
 * Runs task(argument, i, lane) for i in [0, count) on up to `threads` threads, the caller's own among them, in any order, and waits for all.
 * lane: which of the threads, 0 (the caller) … threads − 1; no two that run at once share it. task must not throw.
 * A caller that finds the pool in use by another does its work alone: callers never wait for each other. Nor does it wait for a worker that has not yet begun.
 */
void run_tasks(int threads, int64_t count, void (*task)(void* argument, int64_t index, int lane), void* argument);

/** run_tasks over a lambda of (index) or (index, lane). */
template <typename Task>
void parallel(int threads, int64_t count, Task&& task) {
  using Plain = std::remove_reference_t<Task>;
  const auto call = [](void* argument, int64_t index, [[maybe_unused]] int lane) {
    if constexpr (std::is_invocable_v<Plain&, int64_t, int>)
      (*static_cast<Plain*>(argument))(index, lane);
    else
      (*static_cast<Plain*>(argument))(index);
  };
  run_tasks(threads, count, call, const_cast<std::remove_const_t<Plain>*>(&task));
}

/** Cores that this process may run on, at least 1. */
int usable_cores();
}  // namespace etalon::cpu
