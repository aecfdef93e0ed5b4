#include "core/log_prob.h"
#include "cpu/context.h"

using namespace etalon;
using namespace etalon::cpu;

extern "C" etalon_status etalon_rollout(etalon_context* ctx, const etalon_step* steps, int64_t step_count, const etalon_noise_key* key,
                                        const etalon_policy* policy, int64_t batch, int64_t dim, float* next, double* logp) {
  return guarded(ctx, [&] {
    check_sizes(batch, dim);
    check_steps(steps, step_count, batch, false);
    check_key(key);
    check_policy(policy);
    require(next && logp, "next or logp is NULL");
    const int64_t bytes = 4 * batch * dim;
    check_apart(next, policy->x, bytes, true, "next overlaps policy.x without being it");
    check_apart(next, policy->cond, bytes, false, "next overlaps policy.cond");
    check_apart(next, policy->uncond, bytes, false, "next overlaps policy.uncond");
    ctx->squares.resize(static_cast<size_t>(batch * core::sum_chunks(dim)));
    for_chunks(*ctx, batch, dim, [&](const Place& place) {
      const Step step = step_of(steps, step_count, place.sample);
      ctx->squares[place.index] = ctx->kernels->rollout(step, noise_of(*key, place), chunk_of(*policy, place), next + place.at);
    });
    for (int64_t s = 0; s < batch; ++s) {
      const double std = step_of(steps, step_count, s).std, squares = fold(*ctx, ctx->squares, s, dim);
      logp[s] = std > 0 ? core::log_prob_of(squares, std, dim) : squares;
      check_finite(logp[s], s);
      if (std == 0) logp[s] = 0;
    }
  });
}
