// The CUDA launchers, emulated, against libetalon on the CPU: both through their public headers, by the bits.
#include "fixture.h"

#include "core/float16.h"
#include "etalon/etalon.h"

namespace {
void compare(etalon_context* cpu, const Case& c) {
  const Batch b(c);
  const etalon_policy policy = b.policy();
  const int64_t steps = c.perSample ? c.batch : 1;
  Array<double> workspace(etalon_cuda_workspace_size(c.batch, c.dim) / sizeof(double), 0);
  etalon_cuda_launch launch = ETALON_CUDA_LAUNCH_INIT;
  launch.workspace = workspace.data(), launch.workspace_size = workspace.size() * sizeof(double);
  const std::string what = c.text() + ", " + etalon_target(cpu);

  Array<float> next[2] = {{b.all, c.offset}, {b.all, c.offset}}, grad[2] = {{b.all, c.offset}, {b.all, c.offset}}, gradU[2] = {{b.all, c.offset}, {b.all, c.offset}};
  Array<double> logp[2] = {{b.rows, 0}, {b.rows, 0}}, loss[2] = {{b.rows, 0}, {b.rows, 0}}, ratio[2] = {{b.rows, 0}, {b.rows, 0}}, clipped[2] = {{b.rows, 0}, {b.rows, 0}}, kl[2] = {{b.rows, 0}, {b.rows, 0}};
  bool ran = etalon_rollout(cpu, b.steps.data(), steps, &b.key, &policy, c.batch, c.dim, next[0].data(), logp[0].data()) == ETALON_OK;
  ran &= etalon_cuda_rollout(&launch, b.one(), b.each(), &b.key, &policy, c.batch, c.dim, next[1].data(), logp[1].data()) == ETALON_OK;
  expect(ran && next[0] == next[1] && logp[0] == logp[1], what + ": rollout");
  ran = etalon_log_prob(cpu, b.steps.data(), steps, &policy, b.referenceCond.data(), c.batch, c.dim, logp[0].data()) == ETALON_OK;
  ran &= etalon_cuda_log_prob(&launch, b.one(), b.each(), &policy, b.referenceCond.data(), c.batch, c.dim, logp[1].data()) == ETALON_OK;
  expect(ran && logp[0] == logp[1], what + ": log-probability");

  etalon_objective goal = ETALON_OBJECTIVE_INIT;
  goal.old_logp = logp[0].data(), goal.advantage = b.advantage.data(), goal.clip = 0.2, goal.mean = c.mean;
  if (c.kl) goal.kl_weight = 0.3, goal.reference_cond = b.referenceCond.data(), goal.reference_uncond = c.guided ? b.referenceUncond.data() : nullptr;
  etalon_outcome out[2];
  for (int i = 0; i < 2; ++i)
    out[i] = {sizeof(etalon_outcome), loss[i].data(), ratio[i].data(), clipped[i].data(), kl[i].data(), grad[i].data(), c.guided ? gradU[i].data() : nullptr, ETALON_FLOAT32};
  ran = etalon_policy_gradient(cpu, b.steps.data(), steps, &policy, b.referenceCond.data(), &goal, c.batch, c.dim, &out[0]) == ETALON_OK;
  ran &= etalon_cuda_policy_gradient(&launch, b.one(), b.each(), &policy, b.referenceCond.data(), &goal, c.batch, c.dim, &out[1]) == ETALON_OK;
  expect(ran && loss[0] == loss[1] && ratio[0] == ratio[1] && clipped[0] == clipped[1] && kl[0] == kl[1], what + ": objective");
  expect(grad[0] == grad[1] && gradU[0] == gradU[1], what + ": gradient");
}

/** The same on 16-bit arrays. What the words are does not matter, so long as none is infinite: bfloat16 takes the upper halves of the floats. */
void compare_types(etalon_context* cpu, const Case& c, etalon_dtype state, etalon_dtype output, etalon_dtype gradient) {
  const Batch b(c);
  const auto typed = [&](etalon_dtype type, const Array<float>& from) {
    Array<uint16_t> words(2 * b.all, c.offset);
    for (size_t i = 0; i < b.all; ++i) {
      if (type == ETALON_FLOAT32) std::memcpy(words.data() + 2 * i, &from[i], 4);
      else words[i] = etalon::core::half_of_float(type == ETALON_BFLOAT16, from[i]);
    }
    return words;
  };
  const Array<uint16_t> x = typed(state, b.x), cond = typed(output, b.cond), uncond = typed(output, b.uncond), reference = typed(output, b.referenceCond),
                        referenceUncond = typed(output, b.referenceUncond);
  etalon_policy policy = ETALON_POLICY_INIT;
  policy.x = x.data(), policy.cond = cond.data(), policy.uncond = c.guided ? uncond.data() : nullptr, policy.state_type = state, policy.output_type = output;
  const int64_t steps = c.perSample ? c.batch : 1;
  Array<double> workspace(etalon_cuda_workspace_size(c.batch, c.dim) / sizeof(double), 0);
  etalon_cuda_launch launch = ETALON_CUDA_LAUNCH_INIT;
  launch.workspace = workspace.data(), launch.workspace_size = workspace.size() * sizeof(double);
  const std::string what = c.text() + ", types " + std::to_string(state) + std::to_string(output) + std::to_string(gradient) + ", " + etalon_target(cpu);

  Array<uint16_t> next[2] = {{2 * b.all, c.offset}, {2 * b.all, c.offset}}, grad[2] = {{2 * b.all, c.offset}, {2 * b.all, c.offset}}, gradU[2] = {{2 * b.all, c.offset}, {2 * b.all, c.offset}};
  Array<double> logp[2] = {{b.rows, 0}, {b.rows, 0}}, again(b.rows, 0), loss[2] = {{b.rows, 0}, {b.rows, 0}}, rest(3 * b.rows, 0);
  bool ran = etalon_rollout(cpu, b.steps.data(), steps, &b.key, &policy, c.batch, c.dim, next[0].data(), logp[0].data()) == ETALON_OK;
  ran &= etalon_cuda_rollout(&launch, b.one(), b.each(), &b.key, &policy, c.batch, c.dim, next[1].data(), logp[1].data()) == ETALON_OK;
  ran &= etalon_cuda_log_prob(&launch, b.one(), b.each(), &policy, next[0].data(), c.batch, c.dim, again.data()) == ETALON_OK;
  expect(ran && next[0] == next[1] && logp[0] == logp[1] && logp[0] == again, what + ": rollout and log-probability");
  etalon_objective goal = ETALON_OBJECTIVE_INIT;
  goal.old_logp = logp[0].data(), goal.advantage = b.advantage.data(), goal.clip = 0.2, goal.mean = c.mean;
  if (c.kl) goal.kl_weight = 0.3, goal.reference_cond = reference.data(), goal.reference_uncond = c.guided ? referenceUncond.data() : nullptr;
  for (int i = 0; i < 2; ++i) {
    double* const scalars = rest.data();
    const etalon_outcome out = {sizeof(etalon_outcome), loss[i].data(), scalars, scalars + b.rows, scalars + 2 * b.rows, grad[i].data(), c.guided ? gradU[i].data() : nullptr, gradient};
    ran &= (i == 0 ? etalon_policy_gradient(cpu, b.steps.data(), steps, &policy, next[0].data(), &goal, c.batch, c.dim, &out)
                   : etalon_cuda_policy_gradient(&launch, b.one(), b.each(), &policy, next[0].data(), &goal, c.batch, c.dim, &out)) == ETALON_OK;
  }
  expect(ran && loss[0] == loss[1] && grad[0] == grad[1] && gradU[0] == gradU[1], what + ": objective and gradient");
}
}  // namespace

int main() {
  for (int target = 0; const char* name = etalon_available_target(target); ++target) {
    ::setenv("ETALON_TARGET", name, 1);
    etalon_context* cpu = nullptr;
    if (etalon_context_create(&cpu) != ETALON_OK) return std::printf("%s\n", etalon_last_error(nullptr)), 1;
    for (const int64_t dim : {1, 6, 1025, 20000})
      for (unsigned bits = 0; bits < 16; bits += dim > 2000 ? 5 : 1) {
        const Case c{2, dim, bits % 3, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
        compare(cpu, c);
        if (dim < 2000) compare_types(cpu, c, static_cast<etalon_dtype>(bits % 3), static_cast<etalon_dtype>(bits / 3 % 3), static_cast<etalon_dtype>((bits + 1) % 3));
      }
    etalon_context_destroy(cpu);
    std::printf("%s compared\n", name);
  }
  return failures != 0;
}
