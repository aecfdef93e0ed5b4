// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Known answers: Random123's kat_vectors.
#pragma once
#include "core/hd.h"

namespace etalon::core {
struct Words {
  uint32_t v[4];
};

ETALON_HD inline Words philox4x32(Words counter, uint32_t key0, uint32_t key1) {
  uint32_t c0 = counter.v[0], c1 = counter.v[1], c2 = counter.v[2], c3 = counter.v[3];
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c0, p1 = uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ key0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ key1;
    c3 = static_cast<uint32_t>(p0);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/** The words of four neighbouring elements: counter (quad low, quad high, sample, step), key the seed. docs/math.md §3 */
ETALON_HD inline Words noise_words(uint64_t seed, uint32_t step, uint32_t sample, uint64_t quad) {
  const Words counter = {{static_cast<uint32_t>(quad), static_cast<uint32_t>(quad >> 32), sample, step}};
  return philox4x32(counter, static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
}
}  // namespace etalon::core
