/* A C99 client of the public header and of nothing else: it has to compile, link and agree on the version. */
#include <etalon/etalon.h>
#include <stdio.h>

int main(void) {
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, o[8] = {0}, next[8];
  double logp[2];
  const uint32_t samples[2] = {0, 1};
  etalon_context* ctx = NULL;
  etalon_step step = ETALON_STEP_INIT;
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  etalon_policy policy = ETALON_POLICY_INIT;
  step.a = 0.5;
  step.std = 0.1;
  key.samples = samples;
  policy.x = x;
  policy.cond = o;
  if (etalon_version() != ETALON_VERSION) return 1;
  {
    int count = 0;
    while (etalon_feature(count) != NULL) {
      if (!etalon_has_feature(etalon_feature(count))) return 4;
      ++count;
    }
    if (count < 2 || !etalon_has_feature("scalar") || etalon_has_feature("sca") || etalon_has_feature(NULL) || etalon_feature(-1) != NULL) return 5;
  }
  if (etalon_context_create(&ctx) != ETALON_OK) return 2;
  if (etalon_rollout(ctx, &step, 1, &key, &policy, 2, 4, next, logp) != ETALON_OK) {
    fprintf(stderr, "%s\n", etalon_last_error(ctx));
    return 3;
  }
  printf("%s, %d threads: %g %g\n", etalon_target(ctx), etalon_threads(ctx), next[0], logp[0]);
  etalon_context_destroy(ctx);
  return 0;
}
