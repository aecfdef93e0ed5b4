#include "core/log_prob.h"

#include "cpu/context.h"

using namespace etalon;
using namespace etalon::cpu;

extern "C" etalon_status etalon_log_prob(etalon_context* ctx, const etalon_step* steps, int64_t step_count, const etalon_policy* given, const void* next,
                                         int64_t batch, int64_t dim, double* logp) {
  return guarded(ctx, [&] {
    check_sizes(batch, dim);
    check_steps(steps, step_count, batch, true);
    const etalon_policy policy = check_policy(given);
    require(next && logp, "next or logp is NULL");
    ctx->squares.resize(static_cast<size_t>(batch * core::sum_chunks(dim)));
    for_chunks(*ctx, batch, dim, [&](const Place& place) {
      const PolicyChunk chunk(*ctx->kernels, policy, place);
      const Widened state(*ctx->kernels, policy.state_type, next, place);
      ctx->squares[place.index] = ctx->kernels->log_prob(step_of(steps, step_count, place.sample), chunk.chunk(), state);
    });
    for (int64_t s = 0; s < batch; ++s) {
      logp[s] = core::log_prob_of(fold(*ctx, ctx->squares, s, dim), step_of(steps, step_count, s).std, dim);
      check_finite(logp[s], s);
    }
  });
}
