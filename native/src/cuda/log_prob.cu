// Log-probability of a given next state, and the second stage that rollout shares.   docs/math.md §3
#include "cuda/policy.h"
#include "cuda/sum.h"

namespace etalon::cuda {
namespace {
// ---- kernels
template <bool kGuided>
__global__ void __launch_bounds__(kThreads) log_prob_kernel(Policy policy, const void* next, int64_t dim, int64_t tasks, double* partial) {
  ETALON_SHARED(double, residual, kTerms);
  for (int64_t task = blockIdx.x; task < tasks; task += gridDim.x) {
    const Chunk chunk = chunk_at(task, dim);
    const Map map = map_of(policy, chunk.sample);
    for (int i = kWide * static_cast<int>(threadIdx.x); i < chunk.count; i += kWide * kThreads) {
      const int64_t at = chunk.first + i;
      const int left = chunk.count - i;
      const Outputs o = load_outputs<kGuided>(policy.cond, policy.uncond, policy.outputType, map.guidance, at, left);
      const Octet x = load_octet(policy.x, policy.stateType, at, left), y = load_octet(next, policy.stateType, at, left);
      for (int k = 0; k < kWide; ++k) residual[term_at(i + k)] = core::residual(y.v[k], core::mean<double>(map.a, x.v[k], map.b, o.v[k]));
    }
    const double squares = sum_squares(residual, chunk.count);
    if (threadIdx.x == 0) partial[task] = squares;
  }
}

/** A warp a sample. A state that was drawn without noise has no density: its log-probability is 0. */
__global__ void __launch_bounds__(32) density_kernel(Policy policy, const double* partial, int64_t batch, int64_t dim, bool drawn, double* logp) {
  for (int64_t sample = blockIdx.x; sample < batch; sample += gridDim.x) {
    const double squares = add_chunks(partial + sample * core::sum_chunks(dim), core::sum_chunks(dim));
    const double std = map_of(policy, sample).std;
    if (threadIdx.x == 0) logp[sample] = drawn && std == 0 ? squares : core::log_prob_of(squares, std, dim);
  }
}
}  // namespace

// ---- launchers
cudaError_t launch_log_prob(const Place& place, const Policy& policy, const void* next, int64_t batch, int64_t dim, double* logp) {
  const int64_t tasks = batch * core::sum_chunks(dim);
  const cudaError_t status = launch(policy.uncond ? log_prob_kernel<true> : log_prob_kernel<false>, blocks_for(tasks, place), kThreads, place.stream,
                                    policy, next, dim, tasks, static_cast<double*>(place.workspace));
  return status == cudaSuccess ? launch_density(place, policy, batch, dim, false, logp) : status;
}

cudaError_t launch_density(const Place& place, const Policy& policy, int64_t batch, int64_t dim, bool drawn, double* logp) {
  return launch(density_kernel, blocks_for(batch, place), 32, place.stream, policy, static_cast<const double*>(place.workspace), batch, dim, drawn, logp);
}
}  // namespace etalon::cuda
