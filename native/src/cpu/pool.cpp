#include "cpu/pool.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace etalon::cpu {
namespace {
int default_threads() {
  if (const char* text = std::getenv("ETALON_NUM_THREADS")) {
    const long asked = std::strtol(text, nullptr, 10);
    if (asked >= 1 && asked <= 1024) return static_cast<int>(asked);
  }
  const unsigned found = std::thread::hardware_concurrency();
  return found > 0 ? static_cast<int>(found) : 1;
}

class Pool {
 public:
  explicit Pool(int threads) : size_(threads) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  }
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }
  int size() const { return size_; }

  void run(int64_t count, const std::function<void(int64_t)>& task) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task;
      count_ = count;
      next_.store(0);
      busy_ = static_cast<int>(workers_.size());
      ++turn_;
    }
    wake_.notify_all();
    take_tasks();
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  void take_tasks() {
    for (int64_t i = next_.fetch_add(1); i < count_; i = next_.fetch_add(1)) (*task_)(i);
  }
  void work() {
    uint64_t seen = 0;
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return stop_ || turn_ != seen; });
        if (stop_) return;
        seen = turn_;
      }
      take_tasks();
      std::lock_guard<std::mutex> lock(mutex_);
      if (--busy_ == 0) idle_.notify_one();
    }
  }

  const int size_;
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::vector<std::thread> workers_;
  const std::function<void(int64_t)>* task_ = nullptr;
  int64_t count_ = 0;
  std::atomic<int64_t> next_{0};
  int busy_ = 0;
  uint64_t turn_ = 0;
  bool stop_ = false;
};

/** The pool, and who has it. One call at a time; the others run alone. */
struct Owner {
  std::mutex taken;
  std::atomic<int> threads{default_threads()};
  std::unique_ptr<Pool> pool;
};
Owner& owner() {
  static Owner instance;
  return instance;
}
}  // namespace

int pool_threads() { return owner().threads.load(); }

void set_pool_threads(int threads) { owner().threads.store(threads); }

void parallel_for(int64_t count, const std::function<void(int64_t)>& task) {
  Owner& mine = owner();
  const int threads = mine.threads.load();
  std::unique_lock<std::mutex> lock(mine.taken, std::defer_lock);
  if (threads == 1 || count == 1 || !lock.try_lock()) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  if (!mine.pool || mine.pool->size() != threads) mine.pool = std::make_unique<Pool>(threads);
  mine.pool->run(count, task);
}
}  // namespace etalon::cpu
