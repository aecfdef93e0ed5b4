// Clipped objective, KL and gradient for the model output. The ratio needs the sum over all elements first: one pass adds up, a warp a sample judges, and a
// second pass over the same inputs writes the gradient; nothing of an element is stored between.   docs/math.md §4
#include "core/policy_gradient.h"
#include "cuda/policy.h"
#include "cuda/sum.h"

namespace etalon::cuda {
namespace {
/** How the workspace is cut: chunk sums of squared residuals and of squared shifts, then a verdict a sample. */
struct Workspace {
  double* squares;
  double* shifts;
  core::PolicyScalars* verdicts;
  Workspace(void* memory, int64_t tasks)
      : squares(static_cast<double*>(memory)), shifts(squares + tasks), verdicts(reinterpret_cast<core::PolicyScalars*>(shifts + tasks)) {}
};

/** next − mean, and mean − reference mean, of a thread's elements. */
struct Elements { double residual[kWide], shift[kWide]; };
template <bool kGuided, bool kKl>
__device__ inline Elements load_elements(const Map& map, const Policy& policy, const void* next, const Goal& goal, int64_t at, int left) {
  const Outputs o = load_outputs<kGuided>(policy.cond, policy.uncond, policy.outputType, map.guidance, at, left);
  const Outputs reference = kKl ? load_outputs<kGuided>(goal.referenceCond, goal.referenceUncond, policy.outputType, map.guidance, at, left) : o;
  const Octet x = load_octet(policy.x, policy.stateType, at, left), y = load_octet(next, policy.stateType, at, left);
  Elements e;
  for (int k = 0; k < kWide; ++k) {
    e.residual[k] = core::residual(y.v[k], core::mean<double>(map.a, x.v[k], map.b, o.v[k]));
    e.shift[k] = kKl ? core::mean_shift(map.b, o.v[k], reference.v[k]) : 0.0;
  }
  return e;
}

// ---- kernels
template <bool kGuided, bool kKl>
__global__ void __launch_bounds__(kThreads) sums_kernel(Policy policy, const void* next, Goal goal, int64_t dim, int64_t tasks, Workspace work) {
  ETALON_SHARED(double, residual, kTerms);
  ETALON_SHARED(double, shift, kKl ? kTerms : 1);
  for (int64_t task = blockIdx.x; task < tasks; task += gridDim.x) {
    const Chunk chunk = chunk_at(task, dim);
    const Map map = map_of(policy, chunk.sample);
    for (int i = kWide * static_cast<int>(threadIdx.x); i < chunk.count; i += kWide * kThreads) {
      const Elements e = load_elements<kGuided, kKl>(map, policy, next, goal, chunk.first + i, chunk.count - i);
      for (int k = 0; k < kWide; ++k) {
        residual[term_at(i + k)] = e.residual[k];
        if (kKl) shift[term_at(i + k)] = e.shift[k];
      }
    }
    const double squares = sum_squares(residual, chunk.count), shifts = kKl ? sum_squares(shift, chunk.count) : 0.0;
    if (threadIdx.x == 0) {
      work.squares[task] = squares;
      work.shifts[task] = shifts;
    }
  }
}

/** A warp a sample. */
__global__ void __launch_bounds__(32) judge_kernel(Policy policy, Goal goal, int64_t batch, int64_t dim, Workspace work, Outcome outcome) {
  for (int64_t sample = blockIdx.x; sample < batch; sample += gridDim.x) {
    const int64_t chunks = core::sum_chunks(dim);
    const double squares = add_chunks(work.squares + sample * chunks, chunks), shifts = add_chunks(work.shifts + sample * chunks, chunks);
    if (threadIdx.x != 0) continue;
    const Map map = map_of(policy, sample);
    const core::PolicyScalars verdict = core::policy_scalars(core::log_prob_of(squares, map.std, dim), goal.oldLogp[sample], goal.advantage[sample], goal.clip,
                                                             map.b, map.std, shifts, goal.klWeight, dim, goal.mean);
    outcome.loss[sample] = verdict.loss;
    outcome.ratio[sample] = verdict.ratio;
    outcome.clipped[sample] = verdict.clipped;
    outcome.kl[sample] = verdict.kl;
    work.verdicts[sample] = verdict;
  }
}

template <bool kGuided, bool kKl>
__global__ void __launch_bounds__(kThreads) gradient_kernel(Policy policy, const void* next, Goal goal, int64_t dim, int64_t tasks, Workspace work, Outcome outcome) {
  for (int64_t task = blockIdx.x; task < tasks; task += gridDim.x) {
    const Chunk chunk = chunk_at(task, dim);
    const Map map = map_of(policy, chunk.sample);
    const core::PolicyScalars verdict = work.verdicts[chunk.sample];
    for (int i = kWide * static_cast<int>(threadIdx.x); i < chunk.count; i += kWide * kThreads) {
      const int64_t at = chunk.first + i;
      const int left = chunk.count - i;
      const Elements e = load_elements<kGuided, kKl>(map, policy, next, goal, at, left);
      Octet onCond, onUncond;
      for (int k = 0; k < kWide; ++k) {
        const double onOutput = core::output_gradient<double>(e.residual[k], verdict.onResidual, e.shift[k], verdict.onShift);
        onCond.v[k] = static_cast<float>(kGuided ? map.guidance * onOutput : onOutput);
        onUncond.v[k] = static_cast<float>((1 - map.guidance) * onOutput);
      }
      store_octet(outcome.gradCond, outcome.gradType, at, left, onCond);
      if (kGuided) store_octet(outcome.gradUncond, outcome.gradType, at, left, onUncond);
    }
  }
}

template <bool kGuided, bool kKl>
cudaError_t launch_form(const Place& place, const Policy& policy, const void* next, const Goal& goal, int64_t batch, int64_t dim, const Outcome& outcome) {
  const int64_t tasks = batch * core::sum_chunks(dim);
  const Workspace work(place.workspace, tasks);
  cudaError_t status = launch(sums_kernel<kGuided, kKl>, blocks_for(tasks, place), kThreads, place.stream, policy, next, goal, dim, tasks, work);
  if (status == cudaSuccess) status = launch(judge_kernel, blocks_for(batch, place), 32, place.stream, policy, goal, batch, dim, work, outcome);
  if (status == cudaSuccess) status = launch(gradient_kernel<kGuided, kKl>, blocks_for(tasks, place), kThreads, place.stream, policy, next, goal, dim, tasks, work, outcome);
  return status;
}
}  // namespace

// ---- launcher
size_t workspace_size(int64_t batch, int64_t dim) {
  return static_cast<size_t>(batch) * (2 * sizeof(double) * static_cast<size_t>(core::sum_chunks(dim)) + sizeof(core::PolicyScalars));
}

cudaError_t launch_policy_gradient(const Place& place, const Policy& policy, const void* next, const Goal& goal, int64_t batch, int64_t dim, const Outcome& outcome) {
  const auto form = policy.uncond ? (goal.referenceCond ? launch_form<true, true> : launch_form<true, false>)
                                  : (goal.referenceCond ? launch_form<false, true> : launch_form<false, false>);
  return form(place, policy, next, goal, batch, dim, outcome);
}
}  // namespace etalon::cuda
