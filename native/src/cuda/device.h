// What the kernels need of CUDA, in two forms: nvcc's own, and the launch emulation's when the tests compile them with g++.
#pragma once
#ifdef __CUDACC__
#include <cuda_runtime.h>

#include <utility>
/** `count` values of `type`, shared by the block and uninitialised. */
#define ETALON_SHARED(type, name, count) __shared__ type name[count]

namespace etalon::cuda {
/** Launches on the caller's stream. Reports this launch's error alone: an older one of the caller's stays for the caller to read. */
template <typename... Parameters, typename... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, void* stream, Arguments&&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = static_cast<cudaStream_t>(stream);
  return cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
}
}  // namespace etalon::cuda
#else
#ifndef ETALON_EMULATION
#error "compile with nvcc, or with -include cuda_emulation.h (native/test/emulation)"
#endif
namespace etalon::cuda { using emulation::launch; }
#endif
