// Collectives over messages. MPI's own leave the order of a sum to the implementation; these do not: docs/parallel.md.
#pragma once
#include <cstdint>
#include <vector>

#include "mpi/transport.h"

namespace etalon::mpi {
/**
 * Sums values over the ranks, in place: each by the tree ((0+1)+(2+3))+… over ranks, on one rank or on all, so that every rank has the same bits. Each rank sums its share and sends it to
 * the others: 2 (N − 1)/N of the bytes a rank. Short arrays go to all ranks whole: one round of messages in two's place.
 * @throws Failure: as the transport; a rank's count differs
 */
void allreduce(Transport& transport, float* values, size_t count);
void allreduce(Transport& transport, double* values, size_t count);

/** Every rank's bytes, by rank; lengths may differ. */
std::vector<std::vector<uint8_t>> allgather(Transport& transport, const uint8_t* bytes, size_t count);

/** The root's bytes into every rank's: a binomial tree of messages. */
void broadcast(Transport& transport, uint8_t* bytes, size_t count, int root);

/** Returns when every rank has called it. */
void barrier(Transport& transport);

/** The tree over rows: row 0 becomes the sum of all, the others are used up. */
template <typename T>
void sum_rows(const std::vector<T*>& rows, size_t count) {
  for (size_t stride = 1; stride < rows.size(); stride *= 2)
    for (size_t row = 0; row + stride < rows.size(); row += 2 * stride) {
      T* const left = rows[row];
      const T* const right = rows[row + stride];
      for (size_t i = 0; i < count; ++i) left[i] += right[i];
    }
}
}  // namespace etalon::mpi
