// Sums without atomics, in the order of core/sum.h: whatever the grid or the turn of the blocks, the bits are those of the CPU's sums.
#pragma once
#include "core/sum.h"
#include "cuda/launch.h"
#include "cuda/tile.h"

namespace etalon::cuda {
using core::kSumChunk;
using core::kSumLanes;
static_assert(kSumLanes <= 32, "the lanes of a chunk fold inside one warp");
static_assert(kSumChunk % kWide == 0, "a thread takes eight elements");

/** Where the term of a chunk's element lies in shared memory: one place is left free after every eight, so that the neighbours' writes meet in no bank. */
__device__ inline int term_at(int element) { return element + element / kWide; }
constexpr int kTerms = kSumChunk + kSumChunk / kWide;

/** A block's piece of work: `count` elements of one sample. */
struct Chunk {
  int64_t sample;
  int64_t element;   // the first, within the sample
  int64_t first;     // the first, within the batch
  int count;
};
__device__ inline Chunk chunk_at(int64_t task, int64_t dim) {
  const int64_t chunks = core::sum_chunks(dim), sample = task / chunks, element = task % chunks * kSumChunk;
  return {sample, element, sample * dim + element, static_cast<int>(dim - element < kSumChunk ? dim - element : kSumChunk)};
}

/** Enough blocks to fill a large device; each strides over the rest. */
inline unsigned blocks_for(int64_t tasks, const Place& place) {
  const int64_t most = place.maxBlocks ? place.maxBlocks : 1 << 14;
  return static_cast<unsigned>(tasks < most ? tasks : most);
}

/** core::fold_lanes over the first lanes of a warp, of which all 32 call it; lane 0 gets the sum. */
__device__ inline double fold_lanes(double lane) {
  for (int half = kSumLanes / 2; half > 0; half /= 2) lane += __shfl_down_sync(0xffffffffu, lane, half);
  return lane;
}

/** Σ terms², of a chunk whose terms lie in shared memory. Every thread of the block calls it, thread 0 gets the sum. */
__device__ inline double sum_squares(const double* terms, int count) {
  __syncthreads();   // the terms are there
  double sum = 0;
  if (threadIdx.x < kSumLanes)
    for (int i = static_cast<int>(threadIdx.x); i < count; i += kSumLanes) sum += terms[term_at(i)] * terms[term_at(i)];
  if (threadIdx.x < 32) sum = fold_lanes(sum);
  __syncthreads();   // the terms may be overwritten
  return sum;
}

/** A sample's chunk sums, added by the rule of the elements. Called by one warp; lane 0 gets the sum. */
__device__ inline double add_chunks(const double* partial, int64_t count) {
  double sum = 0;
  if (threadIdx.x < kSumLanes)
    for (int64_t i = threadIdx.x; i < count; i += kSumLanes) sum += partial[i];
  return fold_lanes(sum);
}
}  // namespace etalon::cuda
