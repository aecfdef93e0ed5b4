// The walk over [batch, rows, d] where sums over the rows of a batch are wanted: in fixed chunks of rows, so that the sums are the same for any thread count.
#pragma once
#include "cpu/pool.h"
#include "tensor/kernels.h"
#include "tensor/kernels/simd.h"

namespace etalon::tensor::ETALON_TARGET {
/** Elements that are worth a task, and below which a call stays on one thread. */
constexpr int64_t kTaskElements = 8192, kAloneElements = 16384;

ETALON_INLINE int threads_for(const Work& work, int64_t elements) { return elements < kAloneElements ? 1 : work.threads; }

/** Calls body(first, last) for pieces of [0, rows) on the call's threads. */
template <typename Body>
void each_rows(const Work& work, int64_t rows, int64_t d, Body&& body) {
  const int64_t group = most<int64_t>(1, kTaskElements / most<int64_t>(1, d));
  cpu::parallel(threads_for(work, rows * d), blocks(rows, group), [&](int64_t task) { body(task * group, least(rows, task * group + group)); });
}

/** Sums of [rows] vectors of d over a batch, or over all batches: N of them, those whose `to` is not null. */
template <int N>
class RowSums {
 public:
  static constexpr int64_t kChunk = 32;   // rows
  struct To {
    float* data;      // null: not wanted
    int64_t stride;   // from a batch's to the next; kWhole: one for all
  };
  static constexpr int64_t kWhole = -1;
  RowSums(const Work& work, int64_t batch, int64_t rows, int64_t d, const To (&to)[N]) : work_(work), batch_(batch), rows_(rows), d_(d), chunks_(blocks(rows, kChunk)) {
    for (int i = 0; i < N; ++i) {
      to_[i] = to[i];
      part_[i] = to[i].data ? work.arena.take(batch * chunks_ * d) : nullptr;
    }
  }
  /** Calls body(batch, first row, last row, sums): it adds to sums[i][d], which are zero; null where not wanted. */
  template <typename Body>
  void run(Body&& body) {
    const int64_t group = most<int64_t>(1, kTaskElements / most<int64_t>(1, least(rows_, kChunk) * d_)), tasks = batch_ * chunks_;
    const int threads = threads_for(work_, batch_ * rows_ * d_);
    cpu::parallel(threads, blocks(tasks, group), [&](int64_t piece) {
      for (int64_t task = piece * group; task < least(tasks, piece * group + group); ++task) {
        const int64_t b = task / chunks_, first = task % chunks_ * kChunk;
        float* sums[N];
        for (int i = 0; i < N; ++i) {
          sums[i] = part_[i] ? part_[i] + task * d_ : nullptr;
          if (sums[i]) std::memset(sums[i], 0, static_cast<size_t>(d_) * sizeof(float));
        }
        body(b, first, least(rows_, first + kChunk), sums);
      }
    });
    constexpr int64_t kColumns = 256;
    const int64_t across = blocks(d_, kColumns);
    for (int i = 0; i < N; ++i) {
      if (!to_[i].data) continue;
      const bool whole = to_[i].stride == kWhole;
      const int64_t terms = whole ? tasks : chunks_;
      cpu::parallel(threads, (whole ? 1 : batch_) * across, [&](int64_t task) {
        const int64_t b = task / across, c = task % across * kColumns;
        float* const to = to_[i].data + (whole ? 0 : b * to_[i].stride) + c;
        each_vector(least(kColumns, d_ - c), [&](int64_t k, int lanes) {
          vf sum{};
          for (int64_t t = 0; t < terms; ++t) sum += load_n(part_[i] + (b * chunks_ + t) * d_ + c + k, lanes);
          store_n(to + k, sum, lanes);
        });
      });
    }
  }

 private:
  const Work& work_;
  int64_t batch_, rows_, d_, chunks_;
  To to_[N];
  float* part_[N];
};
}  // namespace etalon::tensor::ETALON_TARGET
