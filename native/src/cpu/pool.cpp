#include "cpu/pool.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>
#if defined(__linux__)
#include <sched.h>
#endif

namespace etalon::cpu {
namespace {
/** Looks at the job before a worker goes to sleep, and at the workers before a caller yields: some 0.3 ms, longer than the gap between two calls of a graph. */
constexpr int kSpins = 20000;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/**
 * One word says all: the job's number, whether it is open to workers, and how many are at it. A worker joins an open job by adding itself; the caller, done with
 * the chunks, closes it and waits for those who joined. So a worker that sleeps or has no core costs the caller nothing.
 */
class Job {
 public:
  static constexpr uint64_t kAt = 0x7fff, kOpen = 0x8000, kTurn = 0x10000;
  void open() { state_.store(((state_.load(std::memory_order_relaxed) / kTurn + 1) * kTurn) | kOpen); }
  void close() {
    state_.fetch_and(~kOpen, std::memory_order_acq_rel);
    for (int spin = 0; state_.load(std::memory_order_acquire) & kAt; ++spin) spin < kSpins ? pause() : std::this_thread::yield();
  }
  bool news(uint64_t seen) const {
    const uint64_t now = state_.load();
    return (now & kOpen) && now / kTurn != seen;
  }
  /** @return whether this worker is now at the job; `seen` is its number then */
  bool join(uint64_t& seen) {
    uint64_t now = state_.load(std::memory_order_relaxed);
    while ((now & kOpen) && now / kTurn != seen)
      if (state_.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel, std::memory_order_relaxed)) return seen = now / kTurn, true;
    return false;
  }
  void leave() { state_.fetch_sub(1, std::memory_order_release); }

 private:
  std::atomic<uint64_t> state_{0};
};

class Pool {
 public:
  /** Never destroyed: a thread still inside a call at exit keeps a whole object; atexit only stops and joins the workers. */
  static Pool& get() {
    static Pool* const pool = [] {
      Pool* const made = new Pool;
      std::atexit([] { get().stop(); });
      return made;
    }();
    return *pool;
  }

  void run(int threads, int64_t count, void (*task)(void*, int64_t, int), void* argument) {
    std::unique_lock<std::mutex> use(inUse_, std::try_to_lock);
    if (!use.owns_lock() || !grow(threads - 1)) {
      for (int64_t i = 0; i < count; ++i) task(argument, i, 0);
      return;
    }
    task_ = task;
    argument_ = argument;
    count_ = count;
    helpers_ = threads - 1;
    next_.store(0, std::memory_order_relaxed);
    job_.open();
    if (sleepers_.load() > 0) {
      { std::lock_guard<std::mutex> lock(mutex_); }   // a worker about to sleep has looked before, or will look again
      wake_.notify_all();
    }
    work(0);
    job_.close();
  }

 private:
  /** Makes workers until there are `wanted`. @return whether there are: the system may refuse, and after stop there are none */
  bool grow(int wanted) {
    if (stopped_) return false;
    try {
      while (static_cast<int>(workers_.size()) < wanted) {
        const int lane = static_cast<int>(workers_.size()) + 1;
        workers_.emplace_back([this, lane] { serve(lane); });
      }
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

  void serve(int lane) {
    uint64_t seen = 0;
    while (await(seen)) {
      if (!job_.join(seen)) continue;
      if (lane <= helpers_) work(lane);
      job_.leave();
    }
  }

  /** Until there is a job that this worker has not seen. @return false: stop */
  bool await(uint64_t seen) {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (job_.news(seen)) return true;
      pause();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    sleepers_.fetch_add(1);
    wake_.wait(lock, [&] { return stop_ || job_.news(seen); });
    sleepers_.fetch_sub(1);
    return !stop_;
  }

  void work(int lane) {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) task_(argument_, i, lane);
  }

  void stop() {
    std::lock_guard<std::mutex> use(inUse_);   // a call in progress ends first
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    stopped_ = true;
  }

  std::mutex inUse_;   // held by the one caller that uses the workers
  std::vector<std::thread> workers_;
  bool stopped_ = false;

  std::mutex mutex_;   // for those who sleep
  std::condition_variable wake_;
  std::atomic<int> sleepers_{0};
  bool stop_ = false;

  alignas(64) Job job_;
  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) void (*task_)(void*, int64_t, int) = nullptr;   // written before a job opens, read by those who joined it
  void* argument_ = nullptr;
  int64_t count_ = 0;
  int helpers_ = 0;
};
}  // namespace

void run_tasks(int threads, int64_t count, void (*task)(void* argument, int64_t index, int lane), void* argument) {
  if (threads > count) threads = static_cast<int>(count);
  if (threads > 1) return Pool::get().run(threads, count, task, argument);
  for (int64_t i = 0; i < count; ++i) task(argument, i, 0);
}

int usable_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  const unsigned cores = std::thread::hardware_concurrency();
  return cores ? static_cast<int>(cores) : 1;
}
}  // namespace etalon::cpu
