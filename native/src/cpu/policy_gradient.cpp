#include "core/policy_gradient.h"

#include "core/log_prob.h"
#include "cpu/context.h"
#include "sized.h"

using namespace etalon;
using namespace etalon::cpu;

namespace {
void check_objective(const etalon_objective* objective, bool guided, int64_t batch) {
  require(objective && objective->struct_size >= sizeof(etalon_objective), "objective is NULL or not set by ETALON_OBJECTIVE_INIT");
  require(objective->old_logp && objective->advantage, "objective.old_logp or objective.advantage is NULL");
  require(std::isfinite(objective->clip) && objective->clip >= 0, "objective.clip is negative or not finite");
  require(std::isfinite(objective->kl_weight) && objective->kl_weight >= 0, "objective.kl_weight is negative or not finite");
  require(objective->kl_weight == 0 || objective->reference_cond, "objective.reference_cond is NULL and kl_weight is not 0");
  require(!guided || !objective->reference_cond || objective->reference_uncond, "objective.reference_uncond is NULL where policy.uncond is not");
  for (int64_t s = 0; s < batch; ++s)
    require(std::isfinite(objective->old_logp[s]) && std::isfinite(objective->advantage[s]), "an old_logp or advantage is not finite");
}

/** @return the outcome as this build's header has it */
etalon_outcome check_outcome(const etalon_outcome* given, const etalon_policy& policy, const void* next, const etalon_objective& objective, int64_t elements) {
  require(sized(given, offsetof(etalon_outcome, grad_type)), "outcome is NULL or not set by ETALON_OUTCOME_INIT");
  const etalon_outcome outcome = completed(*given, etalon_outcome ETALON_OUTCOME_INIT);
  require(outcome.loss && outcome.ratio && outcome.clipped && outcome.kl && outcome.grad_cond, "an array of outcome is NULL");
  require((outcome.grad_uncond != nullptr) == (policy.uncond != nullptr), "outcome.grad_uncond goes with policy.uncond");
  check_type(outcome.grad_type, "outcome.grad_type is no etalon_dtype");
  const int64_t gradients = elements * size_of(outcome.grad_type), states = elements * size_of(policy.state_type), outputs = elements * size_of(policy.output_type);
  check_apart(outcome.grad_cond, gradients, outcome.grad_uncond, gradients, false, "the gradients overlap");
  for (const void* gradient : {outcome.grad_cond, outcome.grad_uncond}) {
    for (const void* state : {policy.x, next}) check_apart(gradient, gradients, state, states, false, "a gradient overlaps an input");
    for (const void* output : {policy.cond, policy.uncond, objective.reference_cond, objective.reference_uncond})
      check_apart(gradient, gradients, output, outputs, false, "a gradient overlaps an input");
  }
  return outcome;
}

/** The inputs of one chunk, all as float32. */
struct Inputs {
  PolicyChunk policy;
  Widened next, referenceCond, referenceUncond;
  Inputs(const Kernels& kernels, const etalon_policy& given, const void* state, const etalon_objective& objective, const Place& place)
      : policy(kernels, given, place), next(kernels, given.state_type, state, place), referenceCond(kernels, given.output_type, objective.reference_cond, place),
        referenceUncond(kernels, given.output_type, given.uncond && objective.reference_cond ? objective.reference_uncond : nullptr, place) {}
  Reference reference() const { return {referenceCond, referenceUncond}; }
};
}  // namespace

extern "C" etalon_status etalon_policy_gradient(etalon_context* ctx, const etalon_step* steps, int64_t step_count, const etalon_policy* given_policy,
                                                const void* next, const etalon_objective* objective, int64_t batch, int64_t dim,
                                                const etalon_outcome* given_outcome) {
  return guarded(ctx, [&] {
    check_sizes(batch, dim);
    check_steps(steps, step_count, batch, true);
    const etalon_policy policy = check_policy(given_policy);
    require(next, "next is NULL");
    check_objective(objective, policy.uncond != nullptr, batch);
    const etalon_outcome outcome = check_outcome(given_outcome, policy, next, *objective, batch * dim);

    const Kernels& kernels = *ctx->kernels;
    const size_t chunks = static_cast<size_t>(batch * core::sum_chunks(dim));
    ctx->squares.resize(chunks);
    ctx->shifts.resize(chunks);
    ctx->factors.resize(static_cast<size_t>(batch));
    for_chunks(*ctx, batch, dim, [&](const Place& place) {
      const Inputs in(kernels, policy, next, *objective, place);
      const PolicySums sums = kernels.policy_sums(step_of(steps, step_count, place.sample), in.policy.chunk(), in.next, in.reference());
      ctx->squares[place.index] = sums.squares;
      ctx->shifts[place.index] = sums.shifts;
    });

    for (int64_t s = 0; s < batch; ++s) {
      const Step step = step_of(steps, step_count, s);
      const double logp = core::log_prob_of(fold(*ctx, ctx->squares, s, dim), step.std, dim);
      const core::PolicyScalars scalars =
          core::policy_scalars(logp, objective->old_logp[s], objective->advantage[s], objective->clip, step.b, step.std, fold(*ctx, ctx->shifts, s, dim),
                               objective->kl_weight, dim, objective->mean != 0);
      check_finite(logp, s);
      check_finite(scalars.ratio, s);
      check_finite(scalars.loss, s);
      outcome.loss[s] = scalars.loss;
      outcome.ratio[s] = scalars.ratio;
      outcome.clipped[s] = scalars.clipped;
      outcome.kl[s] = scalars.kl;
      ctx->factors[s] = {scalars.onResidual, scalars.onShift};
    }
    for_chunks(*ctx, batch, dim, [&](const Place& place) {
      const Inputs in(kernels, policy, next, *objective, place);
      Rounded cond(kernels, outcome.grad_type, outcome.grad_cond, place), uncond(kernels, outcome.grad_type, outcome.grad_uncond, place);
      kernels.policy_gradient(step_of(steps, step_count, place.sample), in.policy.chunk(), in.next, in.reference(), ctx->factors[place.sample], cond.data(),
                              uncond.data());
      cond.settle();
      uncond.settle();
    });
  });
}
