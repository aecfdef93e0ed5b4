// The process's threads: made once, asleep between calls, joined at exit.
#pragma once
#include <cstdint>
#include <functional>

namespace etalon::cpu {
/** Threads of the pool, the caller's among them. */
int pool_threads();
void set_pool_threads(int threads);

/**
 * Runs task(i) for every i in [0, count), on the pool and the calling thread, and comes back when all are done. While another thread's call has the pool, and inside a
 * task, it runs on the calling thread alone. Which thread runs which task is not said; no result may depend on it.
 */
void parallel_for(int64_t count, const std::function<void(int64_t)>& task);
}  // namespace etalon::cpu
