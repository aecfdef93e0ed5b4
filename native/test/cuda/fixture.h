// A batch for the CUDA tests: arrays that begin off a 16-byte boundary when asked and end where their allocation ends, so that AddressSanitizer sees an overrun.
#pragma once
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "etalon/etalon_cuda.h"

/** `size` values of T, starting `offset` values after a 16-byte boundary. */
template <typename T>
class Array {
 public:
  Array(size_t size, size_t offset, T fill = T{}) : size_(size), offset_(offset), memory_(new T[size + offset]) { std::fill_n(memory_.get(), size + offset, fill); }
  T* data() { return memory_.get() + offset_; }
  const T* data() const { return memory_.get() + offset_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  size_t size() const { return size_; }
  bool operator==(const Array& other) const { return size_ == other.size_ && std::memcmp(data(), other.data(), size_ * sizeof(T)) == 0; }

 private:
  size_t size_, offset_;
  std::unique_ptr<T[]> memory_;   // new gives a 16-byte boundary
};

struct Case {
  int64_t batch, dim;
  size_t offset;   // floats past a 16-byte boundary
  bool guided, kl, perSample, mean;
  std::string text() const {
    return "batch " + std::to_string(batch) + ", dim " + std::to_string(dim) + ", offset " + std::to_string(offset) + (guided ? ", guided" : "") + (kl ? ", KL" : "") +
           (perSample ? ", a step a sample" : "") + (mean ? ", mean" : ", sum");
  }
};

struct Batch {
  Case c;
  size_t rows, all;
  Array<float> x, cond, uncond, referenceCond, referenceUncond;
  std::vector<etalon_step> steps;
  std::vector<uint32_t> samples;
  std::vector<double> advantage;
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;

  explicit Batch(const Case& c)
      : c(c), rows(static_cast<size_t>(c.batch)), all(rows * static_cast<size_t>(c.dim)), x(all, c.offset), cond(all, c.offset), uncond(all, c.offset),
        referenceCond(all, c.offset), referenceUncond(all, c.offset), steps(rows, etalon_step ETALON_STEP_INIT), samples(rows), advantage(rows) {
    std::mt19937 random(static_cast<unsigned>(c.dim * 31 + c.batch));
    std::normal_distribution<float> normal;
    for (auto* array : {&x, &cond, &uncond}) for (size_t i = 0; i < all; ++i) (*array)[i] = normal(random);
    for (size_t i = 0; i < all; ++i) referenceCond[i] = cond[i] + 0.1f * normal(random), referenceUncond[i] = uncond[i] + 0.1f * normal(random);
    for (size_t i = 0; i < rows; ++i) {
      const double k = c.perSample ? static_cast<double>(i) : 0.0;
      steps[i].a = 0.97 - 0.1 * k, steps[i].b = -0.13 + 0.3 * k, steps[i].std = 0.21 + 0.05 * k, steps[i].guidance = 3.5 - k;
      samples[i] = static_cast<uint32_t>(4000000000u + 7 * i);
      advantage[i] = i % 2 ? -1.3 : 0.8;
    }
    key.seed = 0x123456789abcdef0u, key.step = 5, key.samples = samples.data();
  }
  const etalon_step* one() const { return c.perSample ? nullptr : steps.data(); }
  const etalon_step* each() const { return c.perSample ? steps.data() : nullptr; }
  etalon_policy policy(const float* state = nullptr, size_t at = 0) const {
    etalon_policy p = ETALON_POLICY_INIT;
    p.x = state ? state : x.data() + at, p.cond = cond.data() + at, p.uncond = c.guided ? uncond.data() + at : nullptr;
    return p;
  }
};

inline int failures = 0;
inline void expect(bool holds, const std::string& what) {
  if (!holds) std::printf("FAIL %s\n", what.c_str());
  failures += !holds;
}
