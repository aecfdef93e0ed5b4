// Guidance, mean, noise, next state and the log-probability's sums in one pass over the elements.   docs/math.md §3
#include "cuda/noise.h"
#include "cuda/policy.h"
#include "cuda/sum.h"

namespace etalon::cuda {
namespace {
// ---- kernel
template <bool kGuided>
__global__ void __launch_bounds__(kThreads) rollout_kernel(Policy policy, NoiseKey key, int64_t dim, int64_t tasks, void* next, double* partial) {
  ETALON_SHARED(double, residual, kTerms);
  for (int64_t task = blockIdx.x; task < tasks; task += gridDim.x) {
    const Chunk chunk = chunk_at(task, dim);
    const Map map = map_of(policy, chunk.sample);
    const uint32_t id = key.samples[chunk.sample];
    for (int i = kWide * static_cast<int>(threadIdx.x); i < chunk.count; i += kWide * kThreads) {
      const int64_t at = chunk.first + i;
      const int left = chunk.count - i;
      const Outputs o = load_outputs<kGuided>(policy.cond, policy.uncond, policy.outputType, map.guidance, at, left);
      const Octet x = load_octet(policy.x, policy.stateType, at, left);
      Octet z, y;
      normal8(key, id, chunk.element + i, z.v);
      for (int k = 0; k < kWide; ++k) {
        const double mean = core::mean<double>(map.a, x.v[k], map.b, o.v[k]);
        y.v[k] = as_stored(policy.stateType, core::rollout_sample(mean, map.std, z.v[k]));
        residual[term_at(i + k)] = map.std > 0 ? core::residual(y.v[k], mean) : y.v[k] * 0.0;   // without noise: 0, or NaN where the state is not finite
      }
      store_octet(next, policy.stateType, at, left, y);
    }
    const double squares = sum_squares(residual, chunk.count);
    if (threadIdx.x == 0) partial[task] = squares;
  }
}
}  // namespace

// ---- launcher
cudaError_t launch_rollout(const Place& place, const Policy& policy, const NoiseKey& key, int64_t batch, int64_t dim, void* next, double* logp) {
  const int64_t tasks = batch * core::sum_chunks(dim);
  const cudaError_t status = launch(policy.uncond ? rollout_kernel<true> : rollout_kernel<false>, blocks_for(tasks, place), kThreads, place.stream,
                                    policy, key, dim, tasks, next, static_cast<double*>(place.workspace));
  return status == cudaSuccess && logp ? launch_density(place, policy, batch, dim, true, logp) : status;
}
}  // namespace etalon::cuda
