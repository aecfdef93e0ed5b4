#include "cpu/targets.h"

namespace etalon::cpu {
const std::vector<const Kernels*>& targets() {
  static const std::vector<const Kernels*> list = [] {
    std::vector<const Kernels*> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) found.push_back(avx512_kernels());
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(avx2_kernels());
#endif
    found.push_back(scalar_kernels());
    return found;
  }();
  return list;
}

const Kernels* find_target(const std::string& name) {
  for (const Kernels* kernels : targets())
    if (name == kernels->name) return kernels;
  return nullptr;
}
}  // namespace etalon::cpu
