#include "mpi/waiting.h"

#include <algorithm>

namespace etalon::mpi {
void Waiting::begin(const char* what) {
  const std::lock_guard<std::mutex> lock(mutex_);
  since_ = std::chrono::steady_clock::now();
  what_ = what;
  ranks_.clear();
}

void Waiting::ranks(std::vector<int> late) {
  std::sort(late.begin(), late.end());
  late.erase(std::unique(late.begin(), late.end()), late.end());
  const std::lock_guard<std::mutex> lock(mutex_);
  ranks_ = std::move(late);
}

void Waiting::end() {
  const std::lock_guard<std::mutex> lock(mutex_);
  what_.clear();
  ranks_.clear();
}

Waiting::Now Waiting::now() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (what_.empty()) return {0, "", {}};
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - since_).count(), what_, ranks_};
}
}  // namespace etalon::mpi
