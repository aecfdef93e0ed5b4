// The CUDA launchers, emulated, against libetalon on the CPU: both through their public headers, by the bits.
#include "fixture.h"

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
    out[i] = {sizeof(etalon_outcome), loss[i].data(), ratio[i].data(), clipped[i].data(), kl[i].data(), grad[i].data(), c.guided ? gradU[i].data() : nullptr};
  ran = etalon_policy_gradient(cpu, b.steps.data(), steps, &policy, b.referenceCond.data(), &goal, c.batch, c.dim, &out[0]) == ETALON_OK;
  ran &= etalon_cuda_policy_gradient(&launch, b.one(), b.each(), &policy, b.referenceCond.data(), &goal, c.batch, c.dim, &out[1]) == ETALON_OK;
  expect(ran && loss[0] == loss[1] && ratio[0] == ratio[1] && clipped[0] == clipped[1] && kl[0] == kl[1], what + ": objective");
  expect(grad[0] == grad[1] && gradU[0] == gradU[1], what + ": gradient");
}
}  // namespace

int main() {
  for (int target = 0; const char* name = etalon_available_target(target); ++target) {
    ::setenv("ETALON_TARGET", name, 1);
    etalon_context* cpu = nullptr;
    if (etalon_context_create(&cpu) != ETALON_OK) return std::printf("%s\n", etalon_last_error(nullptr)), 1;
    for (const int64_t dim : {1, 6, 1025, 20000})
      for (unsigned bits = 0; bits < 16; ++bits) compare(cpu, {2, dim, bits % 3, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0});
    etalon_context_destroy(cpu);
    std::printf("%s compared\n", name);
  }
  return failures != 0;
}
