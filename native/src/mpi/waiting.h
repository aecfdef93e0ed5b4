// What a rank waits for: written by the communication thread, read by others, to say that a rank is late.
#pragma once
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace etalon::mpi {
class Waiting {
 public:
  struct Now {
    double seconds;   // 0: for nothing
    std::string what;
    std::vector<int> ranks;
  };
  void begin(const char* what);
  /** The ranks that have not come yet, in any order and several times. */
  void ranks(std::vector<int> late);
  void end();
  Now now() const;

 private:
  mutable std::mutex mutex_;
  std::chrono::steady_clock::time_point since_{};
  std::string what_;
  std::vector<int> ranks_;
};
}  // namespace etalon::mpi
