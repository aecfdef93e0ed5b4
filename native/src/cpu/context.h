// The context behind the C interface, and what its functions share: checks, and the walk over the chunks of a batch.
#pragma once
#include <cmath>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "core/sum.h"
#include "cpu/kernels.h"
#include "cpu/pool.h"
#include "etalon/etalon.h"
#include "tensor/arena.h"

struct etalon_context {
  const etalon::cpu::Kernels* kernels;
  int threads;
  std::string error;
  std::vector<double> squares, shifts;   // chunk sums; they and the factors are kept from call to call, so that none allocates in steady state
  std::vector<etalon::cpu::PolicyFactors> factors;
  etalon::tensor::Arena arena;           // working memory of tensor calls
};

namespace etalon::cpu {
/** Thrown by a check, made a status at the border. */
struct Refusal {
  etalon_status status;
  std::string message;
};

inline void require(bool holds, const char* message) {
  if (!holds) throw Refusal{ETALON_INVALID_ARGUMENT, message};
}

/** Sizes within range, and a product that can be addressed. */
void check_sizes(int64_t batch, int64_t dim);
void check_type(etalon_dtype type, const char* message);
void check_key(const etalon_noise_key* key);
/** @return the policy as this build's header has it */
etalon_policy check_policy(const etalon_policy* given);
/** @param noisy  whether std = 0 is refused */
void check_steps(const etalon_step* steps, int64_t count, int64_t batch, bool noisy);
/** Refuses an output that overlaps an input, given with their bytes; the very same address passes where `same` is set. */
void check_apart(const void* out, int64_t outBytes, const void* input, int64_t inputBytes, bool same, const char* message);

/** The border: nothing is thrown across it. */
template <typename Body>
etalon_status guarded(etalon_context* ctx, Body&& body) {
  if (!ctx) return ETALON_INVALID_ARGUMENT;
  try {
    body();
    return ETALON_OK;
  } catch (const Refusal& refusal) {
    ctx->error = refusal.message;
    return refusal.status;
  } catch (const std::bad_alloc&) {
    ctx->error = "out of memory";
    return ETALON_OUT_OF_MEMORY;
  } catch (...) {
    ctx->error = "an unexpected failure inside the library";
    return ETALON_DEVICE;
  }
}

inline Step step_of(const etalon_step* steps, int64_t count, int64_t sample) {
  const etalon_step& step = steps[count == 1 ? 0 : sample];
  return {step.a, step.b, step.std, step.guidance};
}

/** Chunks in a task of the pool, and tasks below which a call stays on its own thread: some tens of microseconds each. */
constexpr int64_t kChunksPerTask = 16;
constexpr int64_t kInlineChunks = 32;

/** Where a chunk lies: its sample, its first element within the sample and within the batch, its size, its number in the batch. */
struct Place {
  int64_t sample, element, at, index;
  int count;
};

/** Calls visit(place) for every chunk of the batch, on the context's threads. */
template <typename Visit>
void for_chunks(const etalon_context& ctx, int64_t batch, int64_t dim, Visit&& visit) {
  const int64_t chunks = core::sum_chunks(dim), total = batch * chunks;
  const int threads = total < kInlineChunks ? 1 : ctx.threads;
  parallel(threads, (total + kChunksPerTask - 1) / kChunksPerTask, [&](int64_t task) {
    const int64_t end = (task + 1) * kChunksPerTask < total ? (task + 1) * kChunksPerTask : total;
    for (int64_t index = task * kChunksPerTask; index < end; ++index) {
      const int64_t sample = index / chunks, element = index % chunks * core::kSumChunk;
      const int64_t left = dim - element;
      visit(Place{sample, element, sample * dim + element, index, static_cast<int>(left < core::kSumChunk ? left : core::kSumChunk)});
    }
  });
}

inline int64_t size_of(etalon_dtype type) { return type == ETALON_FLOAT32 ? 4 : 2; }

/** A chunk of an array as float32: where it lies, or widened into a buffer of its own. Null stays null. */
class Widened {
 public:
  Widened(const Kernels& kernels, etalon_dtype type, const void* array, const Place& place) {
    if (!array) return;
    const void* const from = static_cast<const char*>(array) + place.at * size_of(type);
    if (type == ETALON_FLOAT32) {
      data_ = static_cast<const float*>(from);
    } else {
      kernels.widen(type, from, place.count, buffer_);
      data_ = buffer_;
    }
  }
  Widened(const Widened&) = delete;
  operator const float*() const { return data_; }

 private:
  const float* data_ = nullptr;
  float buffer_[core::kSumChunk];
};

/** A chunk of an output, for a kernel to write as float32: where it lies, or a buffer whose numbers are rounded into place by `settle`. Null stays null. */
class Rounded {
 public:
  Rounded(const Kernels& kernels, etalon_dtype type, void* array, const Place& place)
      : kernels_(kernels), type_(type), count_(place.count), to_(array ? static_cast<char*>(array) + place.at * size_of(type) : nullptr) {}
  Rounded(const Rounded&) = delete;
  float* data() { return !to_ || type_ == ETALON_FLOAT32 ? reinterpret_cast<float*>(to_) : buffer_; }
  void settle() {
    if (to_ && type_ != ETALON_FLOAT32) kernels_.round(type_, buffer_, count_, to_);
  }
  /** What was rounded, as float32 again. */
  const float* rounded() {
    if (type_ != ETALON_FLOAT32) kernels_.widen(type_, to_, count_, buffer_);
    return data();
  }

 private:
  const Kernels& kernels_;
  etalon_dtype type_;
  int count_;
  char* to_;
  float buffer_[core::kSumChunk];
};

/** A chunk of a policy's arrays. */
struct PolicyChunk {
  Widened x, cond, uncond;
  int count;
  PolicyChunk(const Kernels& kernels, const etalon_policy& policy, const Place& place)
      : x(kernels, policy.state_type, policy.x, place), cond(kernels, policy.output_type, policy.cond, place),
        uncond(kernels, policy.output_type, policy.uncond, place), count(place.count) {}
  Chunk chunk() const { return {x, cond, uncond, count}; }
};

inline Noise noise_of(const etalon_noise_key& key, const Place& place) {
  return {key.seed, key.step, key.samples[place.sample], static_cast<uint32_t>(place.element / 4)};
}

/** A sample's sum of its chunk sums. */
inline double fold(const etalon_context& ctx, const std::vector<double>& sums, int64_t sample, int64_t dim) {
  const int64_t chunks = core::sum_chunks(dim);
  return ctx.kernels->sum(sums.data() + sample * chunks, chunks);
}

/** @throws Refusal ETALON_NOT_FINITE, naming the sample */
void check_finite(double value, int64_t sample);
}  // namespace etalon::cpu
