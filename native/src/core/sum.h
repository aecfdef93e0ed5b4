// The order of every sum over a sample's elements: fixed chunks, in a chunk fixed lanes, then trees. So the bits depend neither on threads nor on how a batch is split.
#pragma once
#include "core/hd.h"

namespace etalon::core {
/** Elements of a chunk. A multiple of four: noise comes by fours. */
constexpr int kSumChunk = 2048;
/** Lane l of a chunk adds its elements l, l + kSumLanes, … one after another. A power of two. */
constexpr int kSumLanes = 16;

/** The lanes' sums folded as a tree: halves onto halves. */
ETALON_HD inline double fold_lanes(const double lanes[kSumLanes]) {
  double fold[kSumLanes];
  for (int i = 0; i < kSumLanes; ++i) fold[i] = lanes[i];
  for (int half = kSumLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) fold[i] += fold[i + half];
  return fold[0];
}

/** The chunks' sums of one sample, added by the same lanes and folded likewise. */
ETALON_HD inline double sum_chunks(const double* partial, int64_t chunks) {
  double lanes[kSumLanes] = {};
  for (int64_t i = 0; i < chunks; ++i) lanes[i % kSumLanes] += partial[i];
  return fold_lanes(lanes);
}
}  // namespace etalon::core
