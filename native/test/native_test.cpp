// Every target of this machine against the float64 reference and, element for element with ==, against the first; then splits and threads.
#include <etalon/etalon.h>

#include <thread>

#include "reference/reference.h"
#include "support/check.h"

namespace {
struct Case {
  int64_t batch, dim;
  bool guided;
  double guidance;
  std::vector<float> x, cond, uncond, reference, referenceUncond;
  std::vector<uint32_t> samples;
  etalon_step step = ETALON_STEP_INIT;
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  etalon_policy policy = ETALON_POLICY_INIT;
  Case(int64_t batch, int64_t dim, bool guided) : batch(batch), dim(dim), guided(guided), guidance(4.5) {
    x = draws(batch * dim, 1), cond = draws(batch * dim, 2), uncond = draws(batch * dim, 3);
    reference = draws(batch * dim, 4), referenceUncond = draws(batch * dim, 5);
    for (int64_t s = 0; s < batch; ++s) samples.push_back(static_cast<uint32_t>(7 * s + 1));
    step.a = 0.93, step.b = -0.21, step.std = 0.37, step.guidance = guidance;
    key.seed = 0x123456789abcdef0u, key.step = 9, key.samples = samples.data();
    policy.x = x.data(), policy.cond = cond.data(), policy.uncond = guided ? uncond.data() : nullptr;
  }
};

struct Results {
  std::vector<float> noise, next, gradCond, gradUncond;
  std::vector<double> logp, again, oldLogp, advantage, loss, ratio, clipped, kl;
};

Results run(const Context& context, const Case& c, bool mean) {
  Results r;
  const size_t n = static_cast<size_t>(c.batch * c.dim), b = static_cast<size_t>(c.batch);
  for (auto* array : {&r.noise, &r.next, &r.gradCond, &r.gradUncond}) array->resize(n);
  for (auto* array : {&r.logp, &r.again, &r.loss, &r.ratio, &r.clipped, &r.kl}) array->resize(b);
  expect(etalon_normal(context.ctx, &c.key, c.batch, c.dim, r.noise.data()) == ETALON_OK, "normal");
  expect(etalon_rollout(context.ctx, &c.step, 1, &c.key, &c.policy, c.batch, c.dim, r.next.data(), r.logp.data()) == ETALON_OK, "rollout");
  expect(etalon_log_prob(context.ctx, &c.step, 1, &c.policy, r.next.data(), c.batch, c.dim, r.again.data()) == ETALON_OK, "log_prob");
  for (size_t s = 0; s < b; ++s) {
    r.oldLogp.push_back(r.logp[s] + (mean ? static_cast<double>(c.dim) : 1.0) * (s % 2 ? 0.1 : -0.01));
    r.advantage.push_back(s % 3 ? -0.7 : 1.3);
  }
  etalon_objective objective = ETALON_OBJECTIVE_INIT;
  objective.old_logp = r.oldLogp.data(), objective.advantage = r.advantage.data();
  objective.clip = 0.05, objective.mean = mean, objective.kl_weight = 0.2;
  objective.reference_cond = c.reference.data(), objective.reference_uncond = c.guided ? c.referenceUncond.data() : nullptr;
  etalon_outcome outcome = ETALON_OUTCOME_INIT;
  outcome.loss = r.loss.data(), outcome.ratio = r.ratio.data(), outcome.clipped = r.clipped.data(), outcome.kl = r.kl.data();
  outcome.grad_cond = r.gradCond.data(), outcome.grad_uncond = c.guided ? r.gradUncond.data() : nullptr;
  const etalon_status status = etalon_policy_gradient(context.ctx, &c.step, 1, &c.policy, r.next.data(), &objective, c.batch, c.dim, &outcome);
  expect(status == ETALON_OK, etalon_last_error(context.ctx));
  return r;
}

void check_against_reference(const Case& c, const Results& r, bool mean) {
  const reference::Step step{c.step.a, c.step.b, c.step.std, c.guidance};
  std::vector<double> noise, next, logp, loss, ratio, kl, gradCond, gradUncond;
  for (int64_t s = 0; s < c.batch; ++s) {
    const int64_t at = s * c.dim;
    const float *x = &c.x[at], *cond = &c.cond[at], *uncond = c.guided ? &c.uncond[at] : nullptr, *y = &r.next[at];
    for (int64_t i = 0; i < c.dim; ++i) {
      noise.push_back(reference::normal(c.key.seed, c.key.step, c.samples[s], i));
      next.push_back(reference::mean(step, x, cond, uncond, i) + step.std * noise.back());
    }
    logp.push_back(reference::log_prob(step, x, cond, uncond, y, c.dim));
    const auto want = reference::policy_gradient(step, x, cond, uncond, y, &c.reference[at], c.guided ? &c.referenceUncond[at] : nullptr, c.dim, r.oldLogp[s],
                                                 r.advantage[s], 0.05, mean, 0.2);
    loss.push_back(want.loss), ratio.push_back(want.ratio), kl.push_back(want.kl);
    gradCond.insert(gradCond.end(), want.gradCond.begin(), want.gradCond.end());
    gradUncond.insert(gradUncond.end(), want.gradUncond.begin(), want.gradUncond.end());
  }
  expect_close(r.noise, noise, 1e-6, 1e-6, "noise: float32 Box-Muller");
  expect_close(r.next, next, 1e-6, 1e-6, "next");
  expect_close(r.logp, logp, 1e-12, 1e-12, "log-probability");
  expect_close(r.ratio, ratio, 1e-9, 0, "ratio");
  expect_close(r.loss, loss, 1e-9, 0, "loss");
  expect_close(r.kl, kl, 1e-12, 0, "kl");
  // Where the two parts of a gradient cancel, the ratio's last digits show: 1e-10 of the largest entry.
  expect_close(r.gradCond, gradCond, 1e-7, 1e-10 * largest(gradCond), "gradient, cond");
  if (c.guided) expect_close(r.gradUncond, gradUncond, 1e-7, 1e-10 * largest(gradUncond), "gradient, uncond");
}

void expect_same(const Results& got, const Results& want, const char* what) {
  expect_same_bits(got.noise, want.noise, what);
  expect_same_bits(got.next, want.next, what);
  expect_same_bits(got.gradCond, want.gradCond, what);
  expect_same_bits(got.gradUncond, want.gradUncond, what);
  for (auto field : {&Results::logp, &Results::loss, &Results::ratio, &Results::clipped, &Results::kl}) expect_same_bits(got.*field, want.*field, what);
}

void targets() {
  for (const int64_t dim : {1, 3, 16, 37, 1023, 1024, 1025, 5000, 100003}) {
    for (const bool guided : {false, true}) {
      for (const bool mean : {false, true}) {
        const Case c(3, dim, guided);
        const Results first = run(Context(etalon_available_target(0)), c, mean);
        check_against_reference(c, first, mean);
        expect_same_bits(first.again, first.logp, "rollout's log-probability is log_prob's");
        for (int i = 1; const char* target = etalon_available_target(i); ++i)
          expect_same(run(Context(target), c, mean), first, (std::string(target) + " differs from " + etalon_available_target(0)).c_str());
      }
    }
  }
}

void threads_and_splits() {
  const Case whole(5, 60001, true);
  const Results one = run(Context(etalon_available_target(0)), whole, true);
  for (const int threads : {2, 3, 8}) expect_same(run(Context(etalon_available_target(0), threads), whole, true), one, "threads change a bit");
  for (int64_t s = 0; s < whole.batch; ++s) {
    Case part = whole;
    part.batch = 1;
    part.key.samples = whole.samples.data() + s;
    part.policy.x = whole.x.data() + s * part.dim;
    part.policy.cond = whole.cond.data() + s * part.dim;
    part.policy.uncond = whole.uncond.data() + s * part.dim;
    std::vector<float> next(part.dim);
    double logp;
    const Context context(etalon_available_target(0), 2);
    etalon_rollout(context.ctx, &part.step, 1, &part.key, &part.policy, 1, part.dim, next.data(), &logp);
    expect_same_bits(next, std::vector<float>(one.next.begin() + s * part.dim, one.next.begin() + (s + 1) * part.dim), "a split changes a bit");
    expect(logp == one.logp[s], "a split changes a sum", s, logp, one.logp[s]);
  }
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&, context = new Context(etalon_available_target(0), 3)] {
      for (int k = 0; k < 3; ++k) expect_same(run(*context, whole, true), one, "callers at once change a bit");
      delete context;
    });
  for (std::thread& caller : callers) caller.join();
}

void known_answers() {
  const uint32_t table[3][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
  for (const auto& row : table) {
    uint32_t out[4];
    etalon_philox4x32(row, row + 4, out);
    expect(std::memcmp(out, row + 6, sizeof out) == 0, "Philox4x32-10, known answer (random123 kat_vectors)");
  }
}

void refusals() {
  Context context(etalon_available_target(0));
  Case c(2, 8, false);
  std::vector<float> next(16, 5);
  double logp[2] = {5, 5};
  const auto rollout = [&](float* out) { return etalon_rollout(context.ctx, &c.step, 1, &c.key, &c.policy, c.batch, c.dim, out, logp); };
  const auto refuses = [&](etalon_status status, etalon_status want, const char* message) {
    expect(status == want && std::strcmp(etalon_last_error(context.ctx), message) == 0, (std::string("refusal: ") + etalon_last_error(context.ctx)).c_str());
  };
  refuses(rollout(nullptr), ETALON_INVALID_ARGUMENT, "next or logp is NULL");
  refuses(rollout(c.cond.data()), ETALON_INVALID_ARGUMENT, "next overlaps policy.cond");
  refuses(rollout(c.x.data() + 1), ETALON_INVALID_ARGUMENT, "next overlaps policy.x without being it");
  c.step.std = -1;
  refuses(rollout(next.data()), ETALON_INVALID_ARGUMENT, "std of a step is negative or not finite");
  c.step.std = 0;
  refuses(etalon_log_prob(context.ctx, &c.step, 1, &c.policy, next.data(), 2, 8, logp), ETALON_INVALID_ARGUMENT,
          "std of a step is 0: a deterministic step has no log-probability");
  c.step.struct_size = 0;
  refuses(rollout(next.data()), ETALON_INVALID_ARGUMENT, "a step is not set by ETALON_STEP_INIT");
  c.step.struct_size = sizeof c.step;
  expect(next[0] == 5 && logp[0] == 5, "a refused call wrote something");
  c.cond[11] = std::nanf("");
  refuses(rollout(next.data()), ETALON_NOT_FINITE, "sample 1 has a result that is not finite");
  c.step.std = 1;
  refuses(rollout(next.data()), ETALON_NOT_FINITE, "sample 1 has a result that is not finite");
  setenv("ETALON_TARGET", "avx3", 1);
  etalon_context* none = nullptr;
  expect(etalon_context_create(&none) == ETALON_UNSUPPORTED && !none, "an unknown target must fail");
}
/** FNV-1a over 32-bit words. */
uint64_t hash(const std::vector<float>& values) {
  uint64_t state = 0xcbf29ce484222325u;
  for (const float value : values) {
    uint32_t word;
    std::memcpy(&word, &value, sizeof(word));
    state = (state ^ word) * 0x100000001b3u;
  }
  return state;
}

/** Noise and states have these bits on every machine: x86-64's targets wrote them down, and ARM's meet them (npm run test:aarch64). */
void known_bits() {
  constexpr int64_t dim = 100'003;
  const uint32_t samples[] = {0, 4'294'967'295};
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  key.seed = 0xfedcba9876543210u, key.samples = samples;
  etalon_step step = ETALON_STEP_INIT;
  step.a = 0.98, step.b = -0.11, step.std = 0.43, step.guidance = 5;
  for (int i = 0; const char* target = etalon_available_target(i); ++i) {
    const Context context(target);
    std::vector<float> drawn[3], next(2 * dim);
    for (uint32_t k = 0; k < 3; ++k) {
      drawn[k].resize(2 * dim), key.step = k;
      expect(etalon_normal(context.ctx, &key, 2, dim, drawn[k].data()) == ETALON_OK, "normal");
    }
    etalon_policy policy = ETALON_POLICY_INIT;
    policy.x = drawn[0].data(), policy.cond = drawn[1].data(), policy.uncond = drawn[2].data();
    double logp[2];
    key.step = 3;
    expect(etalon_rollout(context.ctx, &step, 1, &key, &policy, 2, dim, next.data(), logp) == ETALON_OK, "rollout");
    expect(hash(drawn[0]) == 0x3d9ba1b67bd5a717u, "the noise has the known bits");
    expect(hash(next) == 0x5458b54fd1e4a56eu, "the state has the known bits");
  }
}
}  // namespace

int main() {
  known_answers();
  known_bits();
  refusals();
  targets();
  threads_and_splits();
  for (int i = 0; const char* target = etalon_available_target(i); ++i) std::printf("checked %s\n", target);
  return failures ? 1 : 0;
}
