// The C face, include/etalon/etalon_cuda.h: checks, the device for the time of the launch, a status and a line of text for what went wrong.
#include "etalon/etalon_cuda.h"

#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "cuda/launch.h"
#include "sized.h"

namespace {
using namespace etalon::cuda;

thread_local char lastError[256] = "";

__attribute__((format(printf, 2, 3))) etalon_status fail(etalon_status status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(lastError, sizeof lastError, format, arguments);
  va_end(arguments);
  return status;
}
#define ETALON_REFUSE(when, ...) \
  if (when) return fail(ETALON_INVALID_ARGUMENT, __VA_ARGS__)

constexpr int64_t kMost = 0x7fffffff;

etalon_status check_place(const etalon_cuda_launch* launch, int64_t batch, int64_t dim, bool workspace) {
  ETALON_REFUSE(!launch || launch->struct_size != sizeof *launch, "launch is NULL or was not set up by ETALON_CUDA_LAUNCH_INIT");
  ETALON_REFUSE(batch < 1 || batch > kMost, "batch is %lld; allowed: 1 to 2^31 - 1", static_cast<long long>(batch));
  ETALON_REFUSE(dim < 1 || dim > kMost, "dim is %lld; allowed: 1 to 2^31 - 1", static_cast<long long>(dim));
  const size_t needed = workspace ? workspace_size(batch, dim) : 0;
  ETALON_REFUSE(launch->workspace_size < needed, "workspace_size is %zu; allowed: at least %zu (etalon_cuda_workspace_size)", launch->workspace_size, needed);
  ETALON_REFUSE(workspace && (!launch->workspace || reinterpret_cast<uintptr_t>(launch->workspace) % 16 != 0), "workspace is NULL or not 16-byte aligned");
  return ETALON_OK;
}

bool is_type(etalon_dtype type) { return type == ETALON_FLOAT32 || type == ETALON_BFLOAT16 || type == ETALON_FLOAT16; }

etalon_status check_policy(const etalon_step* step, const etalon_step* steps, const etalon_policy* given, bool density) {
  ETALON_REFUSE(!etalon::sized(given, offsetof(etalon_policy, state_type)), "policy is NULL or was not set up by ETALON_POLICY_INIT");
  const etalon_policy policy = etalon::completed(*given, etalon_policy ETALON_POLICY_INIT);
  ETALON_REFUSE(!policy.x || !policy.cond, "policy: x and cond must not be NULL");
  ETALON_REFUSE(!is_type(policy.state_type) || !is_type(policy.output_type), "policy: state_type or output_type is no etalon_dtype");
  ETALON_REFUSE(!step == !steps, "give either step (host) or steps (device)");
  if (!step) return ETALON_OK;
  ETALON_REFUSE(step->struct_size != sizeof *step, "step was not set up by ETALON_STEP_INIT");
  ETALON_REFUSE(!std::isfinite(step->a) || !std::isfinite(step->b) || !std::isfinite(step->guidance), "step: a, b and guidance must be finite");
  ETALON_REFUSE(!std::isfinite(step->std) || step->std < 0, "step: std is %g; allowed: a finite number >= 0", step->std);
  ETALON_REFUSE(density && step->std == 0, "step: std is 0; allowed: a number > 0, a deterministic step has no log-probability");
  return ETALON_OK;
}

etalon_status check_key(const etalon_noise_key* key) {
  ETALON_REFUSE(!key || key->struct_size != sizeof *key || !key->samples, "key or key->samples is NULL, or key was not set up by ETALON_NOISE_KEY_INIT");
  return ETALON_OK;
}

etalon_status check_objective(const etalon_objective* objective, const etalon_outcome* given, bool guided) {
  ETALON_REFUSE(!objective || objective->struct_size != sizeof *objective, "objective is NULL or was not set up by ETALON_OBJECTIVE_INIT");
  const etalon_objective& o = *objective;
  ETALON_REFUSE(!o.old_logp || !o.advantage, "objective: old_logp and advantage must not be NULL");
  ETALON_REFUSE(!(o.clip >= 0) || !std::isfinite(o.clip), "objective: clip is %g; allowed: a finite number >= 0", o.clip);
  ETALON_REFUSE(!(o.kl_weight >= 0) || !std::isfinite(o.kl_weight), "objective: kl_weight is %g; allowed: a finite number >= 0", o.kl_weight);
  ETALON_REFUSE(o.kl_weight > 0 && !o.reference_cond, "objective: kl_weight is %g and reference_cond is NULL", o.kl_weight);
  ETALON_REFUSE(!o.reference_uncond != !(guided && o.reference_cond), "objective: reference_uncond is given exactly where uncond and reference_cond are");
  ETALON_REFUSE(!etalon::sized(given, offsetof(etalon_outcome, grad_type)), "outcome is NULL or was not set up by ETALON_OUTCOME_INIT");
  const etalon_outcome outcome = etalon::completed(*given, etalon_outcome ETALON_OUTCOME_INIT);
  ETALON_REFUSE(!outcome.loss || !outcome.ratio || !outcome.clipped || !outcome.kl || !outcome.grad_cond, "outcome: only grad_uncond may be NULL");
  ETALON_REFUSE(!is_type(outcome.grad_type), "outcome: grad_type is no etalon_dtype");
  ETALON_REFUSE(!outcome.grad_uncond != !guided, "outcome: grad_uncond is given exactly where uncond is");
  return ETALON_OK;
}

Policy policy_of(const etalon_step* step, const etalon_step* steps, const etalon_policy& given) {
  const etalon_policy policy = etalon::completed(given, etalon_policy ETALON_POLICY_INIT);
  return {policy.x, policy.cond, policy.uncond, policy.state_type, policy.output_type, step ? Map{step->a, step->b, step->std, step->guidance} : Map{}, steps};
}
NoiseKey key_of(const etalon_noise_key& key) { return {key.seed, key.step, key.samples}; }

/** Runs `work(place)` with the launch's device current, and puts the caller's back. */
template <typename Work>
etalon_status on_device(const etalon_cuda_launch& launch, Work work) {
  int before = 0;
  cudaError_t status = cudaGetDevice(&before);
  if (status == cudaSuccess && before != launch.device) status = cudaSetDevice(launch.device);
  if (status != cudaSuccess) return fail(ETALON_DEVICE, "device %d: %s", launch.device, cudaGetErrorString(status));
  status = work(Place{launch.stream, launch.workspace, launch.max_blocks});
  const cudaError_t restored = before != launch.device ? cudaSetDevice(before) : cudaSuccess;
  if (status == cudaSuccess) status = restored;
  return status == cudaSuccess ? ETALON_OK : fail(ETALON_DEVICE, "launch on device %d: %s", launch.device, cudaGetErrorString(status));
}
}  // namespace

#define ETALON_TRY(check) \
  if (const etalon_status refused = (check); refused != ETALON_OK) return refused

extern "C" {
int etalon_cuda_version(void) { return ETALON_CUDA_VERSION; }

const char* etalon_cuda_last_error(void) { return lastError; }

etalon_status etalon_cuda_device_count(int* count) {
  ETALON_REFUSE(!count, "count is NULL");
  *count = 0;
  int found = 0;
  if (cudaGetDeviceCount(&found) == cudaSuccess) *count = found;   // no driver, no device: an error code there, an answer here
  return ETALON_OK;
}

size_t etalon_cuda_workspace_size(int64_t batch, int64_t dim) { return batch < 1 || batch > kMost || dim < 1 || dim > kMost ? 0 : workspace_size(batch, dim); }

etalon_status etalon_cuda_normal(const etalon_cuda_launch* launch, const etalon_noise_key* key, int64_t batch, int64_t dim, float* out) {
  ETALON_TRY(check_place(launch, batch, dim, false));
  ETALON_TRY(check_key(key));
  ETALON_REFUSE(!out, "out is NULL");
  return on_device(*launch, [&](const Place& place) { return launch_normal(place, key_of(*key), batch, dim, out); });
}

etalon_status etalon_cuda_rollout(const etalon_cuda_launch* launch, const etalon_step* step, const etalon_step* steps, const etalon_noise_key* key,
                                  const etalon_policy* policy, int64_t batch, int64_t dim, void* next, double* logp) {
  ETALON_TRY(check_place(launch, batch, dim, true));
  ETALON_TRY(check_policy(step, steps, policy, false));
  ETALON_TRY(check_key(key));
  ETALON_REFUSE(!next, "next is NULL");
  const Policy taken = policy_of(step, steps, *policy);
  return on_device(*launch, [&](const Place& place) { return launch_rollout(place, taken, key_of(*key), batch, dim, next, logp); });
}

etalon_status etalon_cuda_log_prob(const etalon_cuda_launch* launch, const etalon_step* step, const etalon_step* steps, const etalon_policy* policy,
                                   const void* next, int64_t batch, int64_t dim, double* logp) {
  ETALON_TRY(check_place(launch, batch, dim, true));
  ETALON_TRY(check_policy(step, steps, policy, true));
  ETALON_REFUSE(!next || !logp, "next and logp must not be NULL");
  const Policy taken = policy_of(step, steps, *policy);
  return on_device(*launch, [&](const Place& place) { return launch_log_prob(place, taken, next, batch, dim, logp); });
}

etalon_status etalon_cuda_policy_gradient(const etalon_cuda_launch* launch, const etalon_step* step, const etalon_step* steps, const etalon_policy* policy,
                                          const void* next, const etalon_objective* objective, int64_t batch, int64_t dim, const etalon_outcome* outcome) {
  ETALON_TRY(check_place(launch, batch, dim, true));
  ETALON_TRY(check_policy(step, steps, policy, true));
  ETALON_REFUSE(!next, "next is NULL");
  ETALON_TRY(check_objective(objective, outcome, policy->uncond != nullptr));
  const Policy taken = policy_of(step, steps, *policy);
  const Goal goal{objective->old_logp, objective->advantage, objective->clip, objective->mean != 0, objective->kl_weight, objective->reference_cond, objective->reference_uncond};
  const etalon_outcome out = etalon::completed(*outcome, etalon_outcome ETALON_OUTCOME_INIT);
  const Outcome results{out.loss, out.ratio, out.clipped, out.kl, out.grad_cond, out.grad_uncond, out.grad_type};
  return on_device(*launch, [&](const Place& place) { return launch_policy_gradient(place, taken, next, goal, batch, dim, results); });
}
}  // extern "C"
