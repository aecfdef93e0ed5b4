// Philox4x32-10, the counter-based generator: ten rounds of multiply and xor make four random words of a 128-bit counter and a 64-bit key.
// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011). Known answers: DEShawResearch/random123, tests/kat_vectors.
// A word W is a uint32_t, or many of them at once (cpu/lanes.h).
#pragma once
#include <cstdint>

#include "core/number.h"

namespace etalon::core {
template <typename W>
struct WordsOf {
  W w[4];
};
using Words = WordsOf<uint32_t>;

template <typename W>
ETALON_HD inline WordsOf<W> philox4x32(const WordsOf<W>& counter, uint32_t key0, uint32_t key1) {
  W c0 = counter.w[0], c1 = counter.w[1], c2 = counter.w[2], c3 = counter.w[3];
#if defined(__GNUC__) && !defined(__CUDACC__)
#pragma GCC unroll 10
#endif
  for (int round = 0; round < 10; ++round) {
    const auto p0 = product(c0, 0xD2511F53u), p1 = product(c2, 0xCD9E8D57u);
    c0 = mixed(high_word(p1), c1, key0);
    c1 = low_word(p1);
    c2 = mixed(high_word(p0), c3, key1);
    c3 = low_word(p0);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/**
 * The four words of elements 4·block … 4·block + 3 of one sample at one step: key = seed, counter = (block, sample, step, 0).
 * This assignment is for ever: to change it changes every result ever drawn.
 */
template <typename W>
ETALON_HD inline WordsOf<W> noise_words(uint64_t seed, uint32_t step, uint32_t sample, const W& block) {
  const W zero = block ^ block;
  return philox4x32(WordsOf<W>{{block, zero + sample, zero + step, zero}}, static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
}
}  // namespace etalon::core
