// Working memory of a context's tensor calls: taken piece by piece within a call, kept from call to call.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace etalon::tensor {
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();
  /** Room for this many floats, 64-byte aligned, undefined inside, valid until the next reset.   @throws std::bad_alloc */
  float* take(int64_t floats);
  /** A new call: all is free again. Several blocks become one; more than kKept is given back. */
  void reset();

 private:
  static constexpr size_t kKept = size_t{1} << 26;   // bytes
  struct Block {
    char* data;
    size_t size, used;
  };
  void add(size_t bytes);
  void drop();
  std::vector<Block> blocks_;
};
}  // namespace etalon::tensor
