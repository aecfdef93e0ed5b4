// The fixed tree of every float64 sum: chunks of kSumChunk elements of a sample; in a chunk kSumLanes lanes, lane l adding terms l, l + kSumLanes, … in turn;
// then the lanes folded in halves. The chunk sums of a sample are added by the same rule. So a sum has the same bits for any thread count, batch split and
// target.
#pragma once
#include <cstdint>

#include "core/hd.h"

namespace etalon::core {
constexpr int kSumChunk = 1024;
constexpr int kSumLanes = 16;

/** Chunks of a sample of `dim` elements. */
ETALON_HD inline int64_t sum_chunks(int64_t dim) { return (dim + kSumChunk - 1) / kSumChunk; }

/** Folds the lanes: l takes l + 8, l + 4, l + 2, l + 1 in that order. */
ETALON_HD inline double fold_lanes(double* lanes) {
  for (int step = kSumLanes / 2; step > 0; step /= 2)
    for (int l = 0; l < step; ++l) lanes[l] += lanes[l + step];
  return lanes[0];
}
}  // namespace etalon::core
