#include "core/log_prob.h"
#include "cpu/context.h"

using namespace etalon;
using namespace etalon::cpu;

namespace {
/** A chunk's states, and its sum of squared residuals: of the states as stored, so that log_prob finds the same. With std = 0: 0, or NaN where a state is not finite. */
double roll_out(const Kernels& kernels, const Step& step, const Noise& noise, const etalon_policy& policy, const Place& place, void* next) {
  const PolicyChunk chunk(kernels, policy, place);
  Rounded to(kernels, policy.state_type, next, place);
  const double squares = kernels.rollout(step, noise, chunk.chunk(), to.data());
  if (policy.state_type == ETALON_FLOAT32) return squares;
  to.settle();   // next may be x: chunk has widened that into a buffer of its own
  const Step still{0, 0, 0, 0};   // of mean 0: its squares are those of the states themselves
  return step.std > 0 ? kernels.log_prob(step, chunk.chunk(), to.rounded()) : squares + 0.0 * kernels.log_prob(still, chunk.chunk(), to.rounded());
}
}  // namespace

extern "C" etalon_status etalon_rollout(etalon_context* ctx, const etalon_step* steps, int64_t step_count, const etalon_noise_key* key,
                                        const etalon_policy* given, int64_t batch, int64_t dim, void* next, double* logp) {
  return guarded(ctx, [&] {
    check_sizes(batch, dim);
    check_steps(steps, step_count, batch, false);
    check_key(key);
    const etalon_policy policy = check_policy(given);
    require(next && logp, "next or logp is NULL");
    const int64_t state = batch * dim * size_of(policy.state_type), output = batch * dim * size_of(policy.output_type);
    check_apart(next, state, policy.x, state, true, "next overlaps policy.x without being it");
    check_apart(next, state, policy.cond, output, false, "next overlaps policy.cond");
    check_apart(next, state, policy.uncond, output, false, "next overlaps policy.uncond");
    ctx->squares.resize(static_cast<size_t>(batch * core::sum_chunks(dim)));
    for_chunks(*ctx, batch, dim, [&](const Place& place) {
      ctx->squares[place.index] = roll_out(*ctx->kernels, step_of(steps, step_count, place.sample), noise_of(*key, place), policy, place, next);
    });
    for (int64_t s = 0; s < batch; ++s) {
      const double std = step_of(steps, step_count, s).std, squares = fold(*ctx, ctx->squares, s, dim);
      logp[s] = std > 0 ? core::log_prob_of(squares, std, dim) : squares;
      check_finite(logp[s], s);
      if (std == 0) logp[s] = 0;
    }
  });
}
