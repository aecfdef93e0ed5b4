// Philox4x32-10, the counter-based generator: ten rounds of multiply and xor make four random words of a 128-bit counter and a 64-bit key.
// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011). Known answers: DEShawResearch/random123, tests/kat_vectors.
#pragma once
#include <cstdint>

#include "core/hd.h"

namespace etalon::core {
struct Words {
  uint32_t w[4];
};

ETALON_HD inline Words philox4x32(Words counter, uint32_t key0, uint32_t key1) {
  uint32_t c0 = counter.w[0], c1 = counter.w[1], c2 = counter.w[2], c3 = counter.w[3];
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = static_cast<uint64_t>(0xD2511F53u) * c0, p1 = static_cast<uint64_t>(0xCD9E8D57u) * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ key0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ key1;
    c3 = static_cast<uint32_t>(p0);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/**
 * The four words of elements 4·block … 4·block + 3 of one sample at one step: key = seed, counter = (block, sample, step, 0).
 * This assignment is for ever: to change it changes every result ever drawn.
 */
ETALON_HD inline Words noise_words(uint64_t seed, uint32_t step, uint32_t sample, uint32_t block) {
  return philox4x32({{block, sample, step, 0}}, static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
}
}  // namespace etalon::core
