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

  void run(int threads, int64_t count, void (*task)(void*, int64_t), void* argument) {
    std::unique_lock<std::mutex> use(inUse_, std::try_to_lock);
    if (!use.owns_lock() || !grow(threads - 1)) {
      for (int64_t i = 0; i < count; ++i) task(argument, i);
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      task_ = task;
      argument_ = argument;
      count_ = count;
      next_.store(0, std::memory_order_relaxed);
      helpers_ = running_ = threads - 1;
      ++turn_;
    }
    wake_.notify_all();
    work();
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return running_ == 0; });
  }

 private:
  /** Makes workers until there are `wanted`. @return whether there are: the system may refuse, and after stop there are none */
  bool grow(int wanted) {
    if (stopped_) return false;
    try {
      while (static_cast<int>(workers_.size()) < wanted) {
        const int number = static_cast<int>(workers_.size());
        workers_.emplace_back([this, number, seen = turn_] { serve(number, seen); });
      }
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

  void serve(int number, uint64_t seen) {
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return stop_ || turn_ != seen; });
        if (stop_) return;
        seen = turn_;
        if (number >= helpers_) continue;
      }
      work();
      std::lock_guard<std::mutex> lock(mutex_);
      if (--running_ == 0) done_.notify_one();
    }
  }

  void work() {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) task_(argument_, i);
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

  std::mutex mutex_;   // guards what follows
  std::condition_variable wake_, done_;
  uint64_t turn_ = 0;
  int helpers_ = 0, running_ = 0;
  bool stop_ = false;

  void (*task_)(void*, int64_t) = nullptr;
  void* argument_ = nullptr;
  int64_t count_ = 0;
  std::atomic<int64_t> next_{0};
};
}  // namespace

void run_tasks(int threads, int64_t count, void (*task)(void* argument, int64_t index), void* argument) {
  if (threads > count) threads = static_cast<int>(count);
  if (threads > 1) return Pool::get().run(threads, count, task, argument);
  for (int64_t i = 0; i < count; ++i) task(argument, i);
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
