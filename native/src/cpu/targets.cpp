#include "cpu/targets.h"

#include <cstring>

namespace etalon::cpu {
#if defined(ETALON_X86)
extern const Kernels avx512, avx2;
#elif defined(ETALON_NEON)
extern const Kernels neon;
#endif
extern const Kernels scalar;

namespace {
bool runs(const Kernels* kernels) {
#if defined(ETALON_X86)
  const bool avx2Runs = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");   // every such CPU converts float16 too
  if (kernels == &avx512)
    return avx2Runs && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  if (kernels == &avx2) return avx2Runs;
#endif
  return kernels != nullptr;
}

const Kernels* const kAll[] = {
#if defined(ETALON_X86)
    &avx512, &avx2,
#elif defined(ETALON_NEON)
    &neon,
#endif
    &scalar};
}  // namespace

const Kernels* available_target(int index) {
  for (const Kernels* kernels : kAll)
    if (runs(kernels) && index-- == 0) return kernels;
  return nullptr;
}

const Kernels* choose_target(const char* forced, std::string& error) {
  if (!forced || !*forced) return available_target(0);
  std::string names;
  for (int i = 0; const Kernels* kernels = available_target(i); ++i) {
    if (std::strcmp(kernels->name, forced) == 0) return kernels;
    names += (i ? ", " : "") + std::string(kernels->name);
  }
  error = "ETALON_TARGET is \"" + std::string(forced) + "\"; allowed here: " + names;
  return nullptr;
}
}  // namespace etalon::cpu
