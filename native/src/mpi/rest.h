// Between two looks at what is waited for: a little, and longer the longer nothing has come: an eighth of it, up to a millisecond. The processor belongs to those who compute.
#pragma once
#include <algorithm>
#include <chrono>
#include <thread>

namespace etalon::mpi {
class Rest {
 public:
  /** Something has come: short again. */
  void begin() {
    round_ = 0;
    since_ = std::chrono::steady_clock::now();
  }
  void take() {
    if (round_++ < 64) return std::this_thread::yield();
    using std::chrono::microseconds;
    const auto waited = std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - since_);
    std::this_thread::sleep_for(std::clamp(waited / 8, microseconds(20), microseconds(1000)));
  }
  /** Now and then, where nothing has come for some time: then it is worth saying for whom one waits. */
  bool is_long() const { return round_ % 128 == 127; }

 private:
  int round_ = 0;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};
}  // namespace etalon::mpi
