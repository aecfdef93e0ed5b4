// Standard normals of a key, two Philox calls a thread.   docs/math.md §3
#include "cuda/noise.h"
#include "cuda/sum.h"

namespace etalon::cuda {
namespace {
// ---- kernel
__global__ void __launch_bounds__(kThreads) normal_kernel(NoiseKey key, int64_t dim, int64_t tasks, float* out) {
  for (int64_t task = blockIdx.x; task < tasks; task += gridDim.x) {
    const Chunk chunk = chunk_at(task, dim);
    const uint32_t id = key.samples[chunk.sample];
    for (int i = kWide * static_cast<int>(threadIdx.x); i < chunk.count; i += kWide * kThreads) {
      Octet z;
      normal8(key, id, chunk.element + i, z.v);
      store_octet(out, ETALON_FLOAT32, chunk.first + i, chunk.count - i, z);
    }
  }
}
}  // namespace

// ---- launcher
cudaError_t launch_normal(const Place& place, const NoiseKey& key, int64_t batch, int64_t dim, float* out) {
  const int64_t tasks = batch * core::sum_chunks(dim);
  return launch(normal_kernel, blocks_for(tasks, place), kThreads, place.stream, key, dim, tasks, out);
}
}  // namespace etalon::cuda
