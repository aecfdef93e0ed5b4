// What this build of the library has in it.
#include <cstring>

#include "etalon/etalon.h"

namespace {
constexpr const char* kFeatures[] = {
#if defined(ETALON_HAS_CUDA)
    "cuda",
#endif
#if defined(ETALON_X86)
    "avx512", "avx2",
#elif defined(ETALON_NEON)
    "neon",
#endif
    "scalar", "bfloat16", "float16"};
}  // namespace

extern "C" {
const char* etalon_feature(int index) {
  constexpr int count = sizeof kFeatures / sizeof *kFeatures;
  return index >= 0 && index < count ? kFeatures[index] : nullptr;
}

int etalon_has_feature(const char* name) {
  if (name)
    for (const char* feature : kFeatures)
      if (std::strcmp(feature, name) == 0) return 1;
  return 0;
}
}
