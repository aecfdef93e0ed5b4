// The ops on a CUDA device: etalon_cuda.h on TensorFlow's own memory. No GPU has run this; it compiles, and its tests run it under the launch emulation (docs/tensorflow.md).
//
// TensorFlow gives the stream that its kernels run on to plug-in devices only (TF_GetStream), not for the CUDA device built into it. So a call waits for the device (what
// makes its inputs may still be under way, and its outputs' memory may have been another tensor's), works on the default stream, and waits for that: the scalars have to come
// back to JavaScript anyway.
#include "etalon/etalon_cuda.h"

#if !defined(ETALON_EMULATION)
#include <cuda_runtime.h>
#endif

#include <cmath>
#include <cstring>

#include "tf/run.h"

namespace etalon::tf {
namespace {
void check(cudaError_t status) {
  if (status != cudaSuccess) refuse(ETALON_DEVICE, cudaGetErrorString(status));
}
void settle(etalon_status status) {
  if (status != ETALON_OK) refuse(status, etalon_cuda_last_error());
}

/** A call's own memory on the device: workspace, then what goes there, then the scalars that come back. */
class Scratch {
 public:
  explicit Scratch(Run& run) : run_(run) {
    launch_.workspace_size = etalon_cuda_workspace_size(run.batch(), run.dim);
    check(cudaGetDevice(&launch_.device));   // TensorFlow has made the kernel's device current
  }

  /** Puts host data on the list of what `send` copies. @return its offset */
  template <typename T>
  size_t add(const std::vector<T>& data) {
    const size_t at = round_up(sent_.size());
    sent_.resize(at + data.size() * sizeof(T));
    std::memcpy(sent_.data() + at, data.data(), data.size() * sizeof(T));
    return at;
  }

  /** Waits for the device, then sends. @param rows  of scalars that will come back */
  void send(int64_t rows) {
    const size_t head = round_up(launch_.workspace_size), body = round_up(sent_.size());
    scalars_ = static_cast<size_t>(rows * run_.batch()) * sizeof(double);
    char* const memory = static_cast<char*>(run_.temporary(head + body + scalars_ + kAlign));
    base_ = memory + (kAlign - reinterpret_cast<uintptr_t>(memory) % kAlign) % kAlign;
    launch_.workspace = base_;
    base_ += head;
    check(cudaDeviceSynchronize());
    if (!sent_.empty()) check(cudaMemcpyAsync(base_, sent_.data(), sent_.size(), cudaMemcpyHostToDevice, nullptr));
    results_ = reinterpret_cast<double*>(base_ + body);
  }

  template <typename T>
  const T* at(size_t offset) const { return reinterpret_cast<const T*>(base_ + offset); }
  double* results() const { return results_; }
  const etalon_cuda_launch* launch() const { return &launch_; }

  /** Waits for the call and fetches its scalars.   @throws Refusal ETALON_NOT_FINITE: nothing on the device checks its arrays, but what is not finite shows in the scalars */
  void fetch(double* to) const {
    check(cudaMemcpyAsync(to, results_, scalars_, cudaMemcpyDeviceToHost, nullptr));
    check(cudaDeviceSynchronize());
    for (size_t i = 0; i < scalars_ / sizeof(double); ++i)
      if (!std::isfinite(to[i]))
        refuse(ETALON_NOT_FINITE, "sample " + std::to_string(static_cast<int64_t>(i) % run_.batch()) + " has a result that is not finite");
  }

 private:
  static constexpr size_t kAlign = 16;
  static size_t round_up(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

  Run& run_;
  etalon_cuda_launch launch_ = ETALON_CUDA_LAUNCH_INIT;
  std::vector<char> sent_;
  char* base_ = nullptr;
  double* results_ = nullptr;
  size_t scalars_ = 0;
};

/** One step goes by value, one a sample by the device's memory. */
struct Steps {
  const etalon_step* host;
  const etalon_step* device;
};
size_t add_steps(Scratch& scratch, const Run& run) { return run.step_count() == 1 ? 0 : scratch.add(run.params.steps); }
Steps steps_of(const Scratch& scratch, const Run& run, size_t at) {
  return run.step_count() == 1 ? Steps{run.params.steps.data(), nullptr} : Steps{nullptr, scratch.at<etalon_step>(at)};
}

/** What the launchers cannot check of steps that lie on the device. */
void check_steps(const Run& run, bool noisy) {
  for (const etalon_step& step : run.params.steps) {
    if (!std::isfinite(step.a) || !std::isfinite(step.b) || !std::isfinite(step.guidance) || !std::isfinite(step.std) || step.std < 0)
      refuse(ETALON_INVALID_ARGUMENT, "a, b, std or guidance of a step is not finite, or std is negative");
    if (noisy && step.std == 0) refuse(ETALON_INVALID_ARGUMENT, "std of a step is 0: a deterministic step has no log-probability");
  }
}

void step(Run& run) {
  check_steps(run, false);
  Scratch scratch(run);
  const size_t steps = add_steps(scratch, run), samples = scratch.add(run.params.samples);
  float* const next = run.output(0);
  double* const logp = run.scalars(1, 1);
  scratch.send(1);
  etalon_noise_key key = run.key();
  key.samples = scratch.at<uint32_t>(samples);
  const Steps taken = steps_of(scratch, run, steps);
  settle(etalon_cuda_rollout(scratch.launch(), taken.host, taken.device, &key, &run.policy, run.batch(), run.dim, next, scratch.results()));
  scratch.fetch(logp);
}

void log_prob(Run& run) {
  check_steps(run, true);
  Scratch scratch(run);
  const size_t steps = add_steps(scratch, run);
  double* const logp = run.scalars(0, 1);
  scratch.send(1);
  const Steps taken = steps_of(scratch, run, steps);
  settle(etalon_cuda_log_prob(scratch.launch(), taken.host, taken.device, &run.policy, run.next, run.batch(), run.dim, scratch.results()));
  scratch.fetch(logp);
}

void policy_gradient(Run& run) {
  check_steps(run, true);
  Scratch scratch(run);
  const size_t steps = add_steps(scratch, run), oldLogp = scratch.add(run.params.oldLogp), advantage = scratch.add(run.params.advantage);
  const int guided = run.policy.uncond ? 1 : 0;
  etalon_outcome outcome = ETALON_OUTCOME_INIT;
  outcome.grad_cond = run.output(0);
  outcome.grad_uncond = guided ? run.output(1) : nullptr;
  double* const scalars = run.scalars(1 + guided, 4);
  scratch.send(4);
  outcome.loss = scratch.results();
  outcome.ratio = outcome.loss + run.batch();
  outcome.clipped = outcome.ratio + run.batch();
  outcome.kl = outcome.clipped + run.batch();
  etalon_objective objective = ETALON_OBJECTIVE_INIT;
  objective.old_logp = scratch.at<double>(oldLogp);
  objective.advantage = scratch.at<double>(advantage);
  objective.clip = run.params.clip;
  objective.mean = run.params.mean;
  objective.kl_weight = run.params.klWeight;
  objective.reference_cond = run.referenceCond;
  objective.reference_uncond = run.referenceUncond;
  const Steps taken = steps_of(scratch, run, steps);
  settle(etalon_cuda_policy_gradient(scratch.launch(), taken.host, taken.device, &run.policy, run.next, &objective, run.batch(), run.dim, &outcome));
  scratch.fetch(scalars);
}
}  // namespace

#if defined(ETALON_EMULATION)
const Device gpu{"CPU", step, log_prob, policy_gradient};   // a test has no other device
#else
const Device gpu{"GPU", step, log_prob, policy_gradient};
#endif
}  // namespace etalon::tf
