// The ops on the CPU: the C interface on TensorFlow's own memory.
#include "tf/run.h"

namespace etalon::tf {
namespace {
/** A context of this thread's own: TensorFlow may run kernels of several threads at once. */
class Context {
 public:
  ~Context() { etalon_context_destroy(ctx_); }
  /** @param threads  as the caller has set them; 0: as the environment says */
  static etalon_context* get(int threads) {
    thread_local Context context;
    etalon_context*& ctx = context.ctx_;
    if (!ctx && etalon_context_create(&ctx) != ETALON_OK) refuse(ETALON_UNSUPPORTED, etalon_last_error(nullptr));
    if (threads > 0 && threads != etalon_threads(ctx)) etalon_set_threads(ctx, threads);
    return ctx;
  }

 private:
  etalon_context* ctx_ = nullptr;
};

void settle(etalon_context* ctx, etalon_status status) {
  if (status != ETALON_OK) refuse(status, etalon_last_error(ctx));
}

void step(Run& run) {
  etalon_context* const ctx = Context::get(run.params.threads);
  const etalon_noise_key key = run.key();
  float* const next = run.output(0);
  double* const logp = run.scalars(1, 1);
  settle(ctx, etalon_rollout(ctx, run.params.steps.data(), run.step_count(), &key, &run.policy, run.batch(), run.dim, next, logp));
}

void log_prob(Run& run) {
  etalon_context* const ctx = Context::get(run.params.threads);
  double* const logp = run.scalars(0, 1);
  settle(ctx, etalon_log_prob(ctx, run.params.steps.data(), run.step_count(), &run.policy, run.next, run.batch(), run.dim, logp));
}

void policy_gradient(Run& run) {
  etalon_context* const ctx = Context::get(run.params.threads);
  etalon_objective objective = ETALON_OBJECTIVE_INIT;
  objective.old_logp = run.params.oldLogp.data();
  objective.advantage = run.params.advantage.data();
  objective.clip = run.params.clip;
  objective.mean = run.params.mean;
  objective.kl_weight = run.params.klWeight;
  objective.reference_cond = run.referenceCond;
  objective.reference_uncond = run.referenceUncond;
  const int guided = run.policy.uncond ? 1 : 0;
  etalon_outcome outcome = ETALON_OUTCOME_INIT;
  outcome.grad_cond = run.output(0);
  outcome.grad_uncond = guided ? run.output(1) : nullptr;
  outcome.loss = run.scalars(1 + guided, 4);
  outcome.ratio = outcome.loss + run.batch();
  outcome.clipped = outcome.ratio + run.batch();
  outcome.kl = outcome.clipped + run.batch();
  settle(ctx, etalon_policy_gradient(ctx, run.params.steps.data(), run.step_count(), &run.policy, run.next, &objective, run.batch(), run.dim, &outcome));
}
}  // namespace

const Device cpu{"CPU", step, log_prob, policy_gradient};
}  // namespace etalon::tf
