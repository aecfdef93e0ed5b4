#include "core/policy_gradient.h"

#include "core/log_prob.h"
#include "cpu/context.h"

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

void check_outcome(const etalon_outcome* outcome, const etalon_policy& policy, const float* next, const etalon_objective& objective, int64_t bytes) {
  require(outcome && outcome->struct_size >= sizeof(etalon_outcome), "outcome is NULL or not set by ETALON_OUTCOME_INIT");
  require(outcome->loss && outcome->ratio && outcome->clipped && outcome->kl && outcome->grad_cond, "an array of outcome is NULL");
  require((outcome->grad_uncond != nullptr) == (policy.uncond != nullptr), "outcome.grad_uncond goes with policy.uncond");
  check_apart(outcome->grad_cond, outcome->grad_uncond, bytes, false, "the gradients overlap");
  for (const float* gradient : {outcome->grad_cond, outcome->grad_uncond})
    for (const float* input : {policy.x, policy.cond, policy.uncond, next, objective.reference_cond, objective.reference_uncond})
      check_apart(gradient, input, bytes, false, "a gradient overlaps an input");
}
}  // namespace

extern "C" etalon_status etalon_policy_gradient(etalon_context* ctx, const etalon_step* steps, int64_t step_count, const etalon_policy* policy,
                                                const float* next, const etalon_objective* objective, int64_t batch, int64_t dim,
                                                const etalon_outcome* outcome) {
  return guarded(ctx, [&] {
    check_sizes(batch, dim);
    check_steps(steps, step_count, batch, true);
    check_policy(policy);
    require(next, "next is NULL");
    check_objective(objective, policy->uncond != nullptr, batch);
    check_outcome(outcome, *policy, next, *objective, 4 * batch * dim);

    const auto reference_of = [&](const Place& place) {
      const bool guided = policy->uncond && objective->reference_cond;
      return Reference{objective->reference_cond ? objective->reference_cond + place.at : nullptr, guided ? objective->reference_uncond + place.at : nullptr};
    };
    const size_t chunks = static_cast<size_t>(batch * core::sum_chunks(dim));
    ctx->squares.resize(chunks);
    ctx->shifts.resize(chunks);
    for_chunks(*ctx, batch, dim, [&](const Place& place) {
      const PolicySums sums =
          ctx->kernels->policy_sums(step_of(steps, step_count, place.sample), chunk_of(*policy, place), next + place.at, reference_of(place));
      ctx->squares[place.index] = sums.squares;
      ctx->shifts[place.index] = sums.shifts;
    });

    std::vector<PolicyFactors> factors(static_cast<size_t>(batch));
    for (int64_t s = 0; s < batch; ++s) {
      const Step step = step_of(steps, step_count, s);
      const double logp = core::log_prob_of(fold(*ctx, ctx->squares, s, dim), step.std, dim);
      const core::PolicyScalars scalars =
          core::policy_scalars(logp, objective->old_logp[s], objective->advantage[s], objective->clip, step.b, step.std, fold(*ctx, ctx->shifts, s, dim),
                               objective->kl_weight, dim, objective->mean != 0);
      check_finite(logp, s);
      check_finite(scalars.ratio, s);
      check_finite(scalars.loss, s);
      outcome->loss[s] = scalars.loss;
      outcome->ratio[s] = scalars.ratio;
      outcome->clipped[s] = scalars.clipped;
      outcome->kl[s] = scalars.kl;
      factors[s] = {scalars.onResidual, scalars.onShift};
    }
    for_chunks(*ctx, batch, dim, [&](const Place& place) {
      ctx->kernels->policy_gradient(step_of(steps, step_count, place.sample), chunk_of(*policy, place), next + place.at, reference_of(place),
                                    factors[place.sample], outcome->grad_cond + place.at, outcome->grad_uncond ? outcome->grad_uncond + place.at : nullptr);
    });
  });
}
