// The CUDA launchers through their C header, under the launch emulation: bit by bit against the scalar form, and against the formulas in float64.
// What this cannot show stands in docs/cuda.md: no GPU has run these kernels.
#include <cmath>
#include <limits>

#include "../reference/reference.h"
#include "fixture.h"
#include "scalar.h"

using etalon::emulation::Order;
using etalon::emulation::schedule;

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/** A launch with a workspace of just the size asked for, full of NaN. */
struct Device {
  Array<double> workspace;
  etalon_cuda_launch launch = ETALON_CUDA_LAUNCH_INIT;
  Device(const Case& c, unsigned maxBlocks) : workspace(etalon_cuda_workspace_size(c.batch, c.dim) / sizeof(double), 0, kNaN) {
    launch.workspace = workspace.data();
    launch.workspace_size = workspace.size() * sizeof(double);
    launch.max_blocks = maxBlocks;
    launch.stream = this;
  }
};

scalar::Row row(const Batch& b, size_t i) {
  const size_t at = i * static_cast<size_t>(b.c.dim);
  return {b.x.data() + at, b.cond.data() + at, b.c.guided ? b.uncond.data() + at : nullptr, b.steps[i], b.c.dim};
}
reference::Step stepOf(const Batch& b, size_t i) { return {b.steps[i].a, b.steps[i].b, b.steps[i].std, b.steps[i].guidance}; }
/** The mean of element k of the batch, in float64. */
double meanOf(const Batch& b, size_t i, size_t k) {
  return reference::mean(stepOf(b, i), b.x.data(), b.cond.data(), b.c.guided ? b.uncond.data() : nullptr, static_cast<int64_t>(k));
}
bool same(const std::vector<double>& a, const std::vector<double>& b) { return std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0; }
bool close(double got, double want, double tolerance) { return std::fabs(got - want) <= tolerance * std::max(1.0, std::fabs(want)); }

void testSteps(const Case& c, unsigned maxBlocks) {
  const Batch b(c);
  Device d(c, maxBlocks);
  const etalon_policy policy = b.policy();
  Array<float> next(b.all, c.offset), wanted(b.all, c.offset), z(b.all, c.offset), wantedZ(b.all, c.offset);
  std::vector<double> logp(b.rows, kNaN), again(b.rows, kNaN), wantedLogp(b.rows);
  bool right = etalon_cuda_normal(&d.launch, &b.key, c.batch, c.dim, z.data()) == ETALON_OK;
  right &= etalon_cuda_rollout(&d.launch, b.one(), b.each(), &b.key, &policy, c.batch, c.dim, next.data(), logp.data()) == ETALON_OK;
  right &= etalon_cuda_log_prob(&d.launch, b.one(), b.each(), &policy, next.data(), c.batch, c.dim, again.data()) == ETALON_OK;
  expect(right && schedule.stream == &d, c.text() + ": the calls, on the caller's stream");
  double worst = 0, worstLogp = 0;
  for (size_t i = 0; i < b.rows; ++i) {
    const size_t at = i * static_cast<size_t>(c.dim);
    scalar::normal(b.key, static_cast<int64_t>(i), c.dim, wantedZ.data() + at);
    wantedLogp[i] = scalar::rollout(row(b, i), b.key, static_cast<int64_t>(i), wanted.data() + at);
    for (size_t k = at; k < at + static_cast<size_t>(c.dim); ++k) worst = std::max(worst, std::fabs(next[k] - (meanOf(b, i, k) + b.steps[i].std * z[k])));
    worstLogp = std::max(worstLogp, std::fabs(logp[i] - reference::log_prob(stepOf(b, i), row(b, i).x, row(b, i).cond, row(b, i).uncond, next.data() + at, c.dim)) / static_cast<double>(c.dim));
  }
  expect(z == wantedZ, c.text() + ": normals have the scalar form's bits");
  expect(next == wanted, c.text() + ": the next state has the scalar form's bits");
  expect(same(logp, wantedLogp) && same(again, wantedLogp), c.text() + ": log-probabilities have the scalar form's bits, drawn or given");
  expect(worst <= 1e-6, c.text() + ": the next state is off by " + std::to_string(worst));
  expect(worstLogp <= 1e-9, c.text() + ": the log-probability is off by " + std::to_string(worstLogp));

  Array<float> inPlace = Array<float>(b.all, c.offset);
  std::copy_n(b.x.data(), b.all, inPlace.data());
  const etalon_policy own = b.policy(inPlace.data());
  right = etalon_cuda_rollout(&d.launch, b.one(), b.each(), &b.key, &own, c.batch, c.dim, inPlace.data(), nullptr) == ETALON_OK;
  expect(right && inPlace == next, c.text() + ": in place, without log-probability");
}

void testGradient(const Case& c, unsigned maxBlocks) {
  const Batch b(c);
  Device d(c, maxBlocks);
  const etalon_policy policy = b.policy();
  Array<float> next(b.all, c.offset), grad(b.all, c.offset, NAN), gradU(b.all, c.offset, NAN), wanted(b.all, c.offset), wantedU(b.all, c.offset);
  std::vector<double> old(b.rows), loss(b.rows, kNaN), ratio(b.rows, kNaN), clipped(b.rows, kNaN), kl(b.rows, kNaN);
  for (size_t i = 0; i < b.rows; ++i) {   // ratios 1.05, 0.7, 1.4, …: inside, below and above the clip
    const double logp = scalar::rollout(row(b, i), b.key, static_cast<int64_t>(i), next.data() + i * static_cast<size_t>(c.dim));
    old[i] = logp - std::log(i % 3 == 0 ? 1.05 : i % 3 == 1 ? 0.7 : 1.4) * (c.mean ? static_cast<double>(c.dim) : 1.0);
  }
  etalon_objective goal = ETALON_OBJECTIVE_INIT;
  goal.old_logp = old.data(), goal.advantage = b.advantage.data(), goal.clip = 0.2, goal.mean = c.mean;
  if (c.kl) goal.kl_weight = 0.3, goal.reference_cond = b.referenceCond.data(), goal.reference_uncond = c.guided ? b.referenceUncond.data() : nullptr;
  etalon_outcome out = ETALON_OUTCOME_INIT;
  out.loss = loss.data(), out.ratio = ratio.data(), out.clipped = clipped.data(), out.kl = kl.data(), out.grad_cond = grad.data(), out.grad_uncond = c.guided ? gradU.data() : nullptr;
  const etalon_status status =
      etalon_cuda_policy_gradient(&d.launch, b.one(), b.each(), &policy, next.data(), &goal, c.batch, c.dim, &out);
  expect(status == ETALON_OK, c.text() + ": policy gradient: " + etalon_cuda_last_error());
  bool bits = true;
  for (size_t i = 0; i < b.rows; ++i) {
    const size_t at = i * static_cast<size_t>(c.dim);
    const auto s = scalar::policyGradient(row(b, i), next.data() + at, goal, static_cast<int64_t>(i), c.kl ? b.referenceCond.data() + at : nullptr,
                                          c.kl && c.guided ? b.referenceUncond.data() + at : nullptr, wanted.data() + at, c.guided ? wantedU.data() + at : nullptr);
    bits &= s.loss == loss[i] && s.ratio == ratio[i] && s.clipped == clipped[i] && s.kl == kl[i];
    const reference::Outcome p = reference::policy_gradient(
        stepOf(b, i), row(b, i).x, row(b, i).cond, row(b, i).uncond, next.data() + at, c.kl ? b.referenceCond.data() + at : nullptr,
        c.kl && c.guided ? b.referenceUncond.data() + at : nullptr, c.dim, old[i], b.advantage[i], goal.clip, c.mean, goal.kl_weight);
    expect(close(ratio[i], p.ratio, 1e-9) && close(kl[i], p.kl, 1e-9) && close(loss[i], p.loss, 1e-9) && clipped[i] == (std::fabs(p.ratio - 1) > goal.clip), c.text() + ": ratio, loss, KL or clip of sample " + std::to_string(i));
    for (size_t k = 0; k < static_cast<size_t>(c.dim); ++k) {
      if (!close(grad[at + k], p.gradCond[k], 1e-6) || (c.guided && !close(gradU[at + k], p.gradUncond[k], 1e-6))) {
        expect(false, c.text() + ": gradient " + std::to_string(k) + " of sample " + std::to_string(i));
        break;
      }
    }
  }
  expect(bits, c.text() + ": loss, ratio, clipped and KL have the scalar form's bits");
  expect(grad == wanted && (!c.guided || gradU == wantedU), c.text() + ": gradients have the scalar form's bits");
}

/** A sample's results do not know the batch that it stands in. */
void testSplit() {
  const Case c{3, 2051, 0, true, false, true, true};
  const Batch b(c);
  Device d(c, 0);
  Array<float> whole(b.all, 0), parts(b.all, 0);
  std::vector<double> logp(3), part(3);
  const etalon_policy all = b.policy();
  etalon_cuda_rollout(&d.launch, nullptr, b.each(), &b.key, &all, 3, c.dim, whole.data(), logp.data());
  for (size_t i = 0; i < 3; ++i) {
    const size_t at = i * static_cast<size_t>(c.dim);
    etalon_noise_key key = b.key;
    key.samples += i;
    const etalon_policy policy = b.policy(nullptr, at);
    etalon_cuda_rollout(&d.launch, &b.steps[i], nullptr, &key, &policy, 1, c.dim, parts.data() + at, &part[i]);
  }
  expect(whole == parts && same(logp, part), "a batch in parts has the bits of the whole");
}

/** A step without noise: the state is exact, and there is no density. */
void testOde() {
  Batch b({2, 9, 0, false, false, true, true});
  b.steps[0].std = b.steps[1].std = 0;
  Device d(b.c, 0);
  const etalon_policy policy = b.policy();
  Array<float> next(b.all, 0);
  std::vector<double> logp(2), again(2);
  etalon_cuda_rollout(&d.launch, nullptr, b.each(), &b.key, &policy, 2, 9, next.data(), logp.data());
  etalon_cuda_log_prob(&d.launch, nullptr, b.each(), &policy, next.data(), 2, 9, again.data());
  bool exact = true;
  for (size_t k = 0; k < b.all; ++k) exact &= next[k] == static_cast<float>(meanOf(b, k / 9, k));
  expect(exact, "std 0: the next state is the mean");
  expect(logp[0] == 0 && logp[1] == 0 && std::isnan(again[0]), "std 0: no log-probability");
  b.x[4] = INFINITY;
  etalon_cuda_rollout(&d.launch, nullptr, b.each(), &b.key, &policy, 2, 9, next.data(), logp.data());
  expect(std::isnan(logp[0]) && logp[1] == 0, "std 0: a state that is not finite shows");
}

void refused(etalon_status status, const char* message) {
  expect(status == ETALON_INVALID_ARGUMENT && std::strcmp(etalon_cuda_last_error(), message) == 0, std::string("refusal: ") + message + "; said: " + etalon_cuda_last_error());
}

void testRefusals() {
  const Batch b({1, 8, 0, false, false, false, true});
  Device d(b.c, 0);
  const etalon_policy policy = b.policy();
  float next[8] = {};
  double logp[1] = {};
  const size_t launches = schedule.launches;
  const auto call = [&](const etalon_cuda_launch& launch, const etalon_step* step, int64_t batch, int64_t dim) {
    return etalon_cuda_log_prob(&launch, step, nullptr, &policy, next, batch, dim, logp);
  };
  refused(call(d.launch, b.one(), 0, 8), "batch is 0; allowed: 1 to 2^31 - 1");
  refused(call(d.launch, b.one(), 1, int64_t{1} << 31), "dim is 2147483648; allowed: 1 to 2^31 - 1");
  refused(call(d.launch, nullptr, 1, 8), "give either step (host) or steps (device)");
  etalon_cuda_launch launch = d.launch;
  launch.workspace_size -= 8;
  refused(call(launch, b.one(), 1, 8), ("workspace_size is " + std::to_string(launch.workspace_size) + "; allowed: at least " + std::to_string(d.launch.workspace_size) +
                                        " (etalon_cuda_workspace_size)").c_str());
  launch = d.launch;
  launch.workspace = static_cast<char*>(launch.workspace) + 8;
  refused(call(launch, b.one(), 1, 8), "workspace is NULL or not 16-byte aligned");
  launch.struct_size = 0;
  refused(call(launch, b.one(), 1, 8), "launch is NULL or was not set up by ETALON_CUDA_LAUNCH_INIT");
  etalon_step step = *b.one();
  step.std = -0.5;
  refused(call(d.launch, &step, 1, 8), "step: std is -0.5; allowed: a finite number >= 0");
  step.std = 0;
  refused(call(d.launch, &step, 1, 8), "step: std is 0; allowed: a number > 0, a deterministic step has no log-probability");
  step.std = 1, step.a = kNaN;
  refused(call(d.launch, &step, 1, 8), "step: a, b and guidance must be finite");
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  refused(etalon_cuda_normal(&d.launch, &key, 1, 8, next), "key or key->samples is NULL, or key was not set up by ETALON_NOISE_KEY_INIT");
  etalon_objective goal = ETALON_OBJECTIVE_INIT;
  const auto objective = [&] { return etalon_cuda_policy_gradient(&d.launch, b.one(), nullptr, &policy, next, &goal, 1, 8, nullptr); };
  goal.old_logp = goal.advantage = logp, goal.clip = -1;
  refused(objective(), "objective: clip is -1; allowed: a finite number >= 0");
  goal.clip = 0.1, goal.kl_weight = 0.5;
  refused(objective(), "objective: kl_weight is 0.5 and reference_cond is NULL");
  goal.reference_cond = goal.reference_uncond = b.cond.data();
  refused(objective(), "objective: reference_uncond is given exactly where uncond and reference_cond are");
  goal.reference_uncond = nullptr;
  refused(objective(), "outcome is NULL or was not set up by ETALON_OUTCOME_INIT");
  expect(schedule.launches == launches && logp[0] == 0 && next[0] == 0, "a refused call launches and writes nothing");
  expect(etalon_cuda_workspace_size(0, 8) == 0 && etalon_cuda_workspace_size(1, -1) == 0, "no workspace size for a size out of range");
}

void testDevices() {
  const Batch b({1, 8, 0, false, false, false, true});
  Device d(b.c, 0);
  float out[8];
  int count = -1;
  etalon::emulation::devices = 3, etalon::emulation::device = 1, d.launch.device = 2;
  expect(etalon_cuda_device_count(&count) == ETALON_OK && count == 3, "three devices");
  expect(etalon_cuda_normal(&d.launch, &b.key, 1, 8, out) == ETALON_OK && etalon::emulation::device == 1, "the caller's device is current again");
  d.launch.device = 5;
  expect(etalon_cuda_normal(&d.launch, &b.key, 1, 8, out) == ETALON_DEVICE, "a device that there is not");
  etalon::emulation::devices = 0;
  expect(etalon_cuda_device_count(&count) == ETALON_OK && count == 0, "no device is an answer");
  expect(etalon_cuda_normal(&d.launch, &b.key, 1, 8, out) == ETALON_DEVICE && std::strcmp(etalon_cuda_last_error(), "device 5: no device") == 0, "no device");
  etalon::emulation::devices = 1, etalon::emulation::device = 0;
}
}  // namespace

int main() {
  unsigned turn = 0;
  for (const int64_t dim : {1, 2, 3, 4, 5, 7, 37, 1023, 1024, 1025, 4099})
    for (const size_t offset : {size_t{0}, size_t{1}})
      for (unsigned bits = 0; bits < 16; ++bits) {
        const Case c{3, dim, offset, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
        schedule.order = static_cast<Order>(turn++ % 3);
        schedule.seed = turn;
        if (!c.kl && !c.mean) testSteps(c, turn % 4);
        testGradient(c, turn % 4);
      }
  schedule.order = Order::shuffled;
  testSteps({2, 40000, 0, true, true, false, false}, 0);   // over kSumLanes chunks: the sum of chunk sums goes round its lanes
  testGradient({2, 40000, 0, true, true, false, true}, 5);
  testSplit();
  testOde();
  testRefusals();
  testDevices();
  std::printf("%zu launches, %zu blocks, %d failures\n", schedule.launches, schedule.blocks, failures);
  return failures != 0;
}
