// A diffusion sampler in ten lines over libetalon, of any stochasticity: here for a rectified flow and data whose exact model is known, normal with mean 2 and deviation 0.5.
//   sampler [eta]      prints the mean and deviation of 262 144 numbers drawn in 50 steps
#include <etalon/etalon.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

/** The model of x_t = (1 - t) x_0 + t ε with x_0 ~ N(2, 0.5²): the expected velocity ε - x_0 at x. */
static void model(const std::vector<float>& x, double t, std::vector<float>& velocity) {
  const double alpha = 1 - t, gain = 0.25 * alpha / (0.25 * alpha * alpha + t * t);
  for (size_t i = 0; i < x.size(); ++i) {
    const double data = 2 + gain * (x[i] - 2 * alpha), noise = (x[i] - alpha * data) / t;
    velocity[i] = static_cast<float>(noise - data);
  }
}

static void check(etalon_status status, const etalon_context* ctx) {
  if (status == ETALON_OK) return;
  std::fprintf(stderr, "%s: %s\n", etalon_status_name(status), etalon_last_error(ctx));
  std::exit(1);
}

int main(int argc, char** argv) {
  const double eta = argc > 1 ? std::atof(argv[1]) : 1.2;
  const int64_t batch = 4, dim = 65536;
  const int steps = 50;
  const uint32_t samples[batch] = {0, 1, 2, 3};   // a sample's noise depends on its id, not on the batch it is in
  std::vector<float> x(batch * dim), velocity(batch * dim);
  std::vector<double> logp(batch);

  etalon_context* ctx = nullptr;
  check(etalon_context_create(&ctx), nullptr);
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  etalon_policy policy = ETALON_POLICY_INIT;
  etalon_step step = ETALON_STEP_INIT;
  key.seed = 42;
  key.samples = samples;
  policy.x = x.data();
  policy.cond = velocity.data();

  check(etalon_normal(ctx, &key, batch, dim, x.data()), ctx);   // noise at t = 1
  for (int i = 0; i < steps; ++i) {
    const double t = 1 - static_cast<double>(i) / steps, s = 1 - static_cast<double>(i + 1) / steps;
    model(x, t, velocity);
    const double rho = std::pow(s * (1 - t) / ((1 - s) * t), eta * eta);   // how much of the old noise stays: docs/math.md §2
    step.a = 1 - s + s * rho;
    step.b = s * rho * (1 - t) - (1 - s) * t;
    step.std = s * std::sqrt(1 - rho * rho);
    key.step = static_cast<uint32_t>(i + 1);
    check(etalon_rollout(ctx, &step, 1, &key, &policy, batch, dim, x.data(), logp.data()), ctx);   // in place
  }

  double sum = 0, squares = 0;
  for (const float value : x) sum += value, squares += static_cast<double>(value) * value;
  const double mean = sum / x.size(), deviation = std::sqrt(squares / x.size() - mean * mean);
  std::printf("eta %g on %s: mean %.3f (2), deviation %.3f (0.5)\n", eta, etalon_target(ctx), mean, deviation);
  etalon_context_destroy(ctx);
  return 0;
}
