// bfloat16 and float16 arrays, odd addresses, the inspection of inputs, the largest sample, and a steady state without allocation; on every target of this machine.
#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <new>

#include "reference/reference.h"
#include "reference/rounding.h"
#include "support/check.h"

namespace {
std::atomic<int64_t> allocations{0};
}
void* operator new(size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace {
using Bytes = std::vector<unsigned char>;
constexpr etalon_dtype kTypes[] = {ETALON_FLOAT32, ETALON_BFLOAT16, ETALON_FLOAT16};
const reference::Format& format(etalon_dtype type) { return type == ETALON_BFLOAT16 ? reference::kBfloat16 : reference::kFloat16; }
size_t size_of(etalon_dtype type) { return type == ETALON_FLOAT32 ? 4 : 2; }

/** An array of a type, off any alignment: its numbers begin one byte into its memory. */
struct Array {
  etalon_dtype type;
  Bytes bytes;
  Array(etalon_dtype type, size_t count) : type(type), bytes(count * size_of(type) + 1) {}
  void* data() { return bytes.data() + 1; }
  const void* data() const { return bytes.data() + 1; }
  size_t size() const { return (bytes.size() - 1) / size_of(type); }
  uint16_t word(size_t i) const {
    uint16_t word;
    std::memcpy(&word, bytes.data() + 1 + 2 * i, 2);
    return word;
  }
  void set(size_t i, uint16_t word) { std::memcpy(bytes.data() + 1 + 2 * i, &word, 2); }
  void set(size_t i, float value) { std::memcpy(bytes.data() + 1 + 4 * i, &value, 4); }
  float value(size_t i) const {
    if (type != ETALON_FLOAT32) return static_cast<float>(reference::value_of(format(type), word(i)));
    float value;
    std::memcpy(&value, bytes.data() + 1 + 4 * i, 4);
    return value;
  }
  std::vector<float> values() const {
    std::vector<float> all;
    for (size_t i = 0; i < size(); ++i) all.push_back(value(i));
    return all;
  }
};

/** A deterministic step that is `b` times the model's output: converts an array of one type into another. */
void convert(const Context& context, const Array& from, Array& to) {
  const Array zero(to.type, from.size());
  etalon_step step = ETALON_STEP_INIT;
  step.b = 1;
  const uint32_t sample = 0;
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  key.samples = &sample;
  etalon_policy policy = ETALON_POLICY_INIT;
  policy.x = zero.data(), policy.cond = from.data(), policy.state_type = to.type, policy.output_type = from.type;
  double logp;
  const etalon_status status = etalon_rollout(context.ctx, &step, 1, &key, &policy, 1, static_cast<int64_t>(from.size()), to.data(), &logp);
  expect(status == ETALON_OK, etalon_last_error(context.ctx));
}

/** Every finite word is the number it stands for, and comes back as itself; numbers of every size, and ties, go to the nearest. */
void conversions(const Context& context) {
  for (const etalon_dtype type : {etalon_dtype{ETALON_BFLOAT16}, etalon_dtype{ETALON_FLOAT16}}) {
    std::vector<uint16_t> finite;
    for (uint32_t word = 0; word < 65536; ++word)
      if (std::isfinite(reference::value_of(format(type), static_cast<uint16_t>(word)))) finite.push_back(static_cast<uint16_t>(word));
    Array words(type, finite.size()), same(type, finite.size()), wide(ETALON_FLOAT32, finite.size());
    for (size_t i = 0; i < finite.size(); ++i) words.set(i, finite[i]);
    convert(context, words, wide);
    convert(context, words, same);
    for (size_t i = 0; i < finite.size(); ++i) {
      if (wide.value(i) != words.value(i)) return expect(false, "a word's number", finite[i], wide.value(i), words.value(i));
      if (words.value(i) != 0 && same.word(i) != finite[i]) return expect(false, "a word and back", finite[i], same.word(i), finite[i]);
    }
    std::vector<float> given;
    for (const uint16_t word : finite) {
      const double here = reference::value_of(format(type), word), next = reference::value_of(format(type), static_cast<uint16_t>(word + 1));
      given.push_back(static_cast<float>(here));
      if (!std::isfinite(next)) continue;
      const float tie = static_cast<float>((here + next) / 2);   // exact: a float has the bits for it
      for (const float value : {tie, std::nextafter(tie, 1e38f), std::nextafter(tie, -1e38f)}) given.push_back(value);
    }
    Array from(ETALON_FLOAT32, given.size()), to(type, given.size());
    for (size_t i = 0; i < given.size(); ++i) from.set(i, given[i]);
    convert(context, from, to);
    for (size_t i = 0; i < given.size(); ++i) {
      const double want = reference::rounded(format(type), given[i]);
      if (to.value(i) != want) return expect(false, "rounded to nearest, ties to even", static_cast<int64_t>(i), to.value(i), want);
    }
  }
}

struct Results {
  Array next, gradCond, gradUncond;
  std::vector<double> logp, again, loss, ratio, clipped, kl;
  Results(etalon_dtype state, etalon_dtype gradient, size_t elements, size_t batch)
      : next(state, elements), gradCond(gradient, elements), gradUncond(gradient, elements), logp(batch), again(batch), loss(batch), ratio(batch), clipped(batch), kl(batch) {}
};

struct Case {
  int64_t batch = 2, dim;
  etalon_dtype state, output, gradient;
  bool guided;
  std::vector<Array> arrays;   // x, cond, uncond, reference, reference's uncond
  uint32_t samples[2] = {3, 8};
  Case(const Context& context, int64_t dim, etalon_dtype state, etalon_dtype output, etalon_dtype gradient, bool guided)
      : dim(dim), state(state), output(output), gradient(gradient), guided(guided) {
    for (int k = 0; k < 5; ++k) {
      const std::vector<float> values = draws(batch * dim, k);
      Array wide(ETALON_FLOAT32, values.size());
      for (size_t i = 0; i < values.size(); ++i) wide.set(i, values[i]);
      arrays.emplace_back(k == 0 ? state : output, values.size());
      convert(context, wide, arrays.back());
    }
  }
};

Results run(const Context& context, const Case& c, bool inPlace = false) {
  Results r(c.state, c.gradient, static_cast<size_t>(c.batch * c.dim), static_cast<size_t>(c.batch));
  etalon_step step = ETALON_STEP_INIT;
  step.a = 0.93, step.b = -0.21, step.std = 0.37, step.guidance = 4.5;
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  key.seed = 77, key.step = 2, key.samples = c.samples;
  etalon_policy policy = ETALON_POLICY_INIT;
  policy.x = c.arrays[0].data(), policy.cond = c.arrays[1].data(), policy.uncond = c.guided ? c.arrays[2].data() : nullptr;
  policy.state_type = c.state, policy.output_type = c.output;
  etalon_policy drawn = policy;
  if (inPlace) r.next = c.arrays[0], drawn.x = r.next.data();
  expect(etalon_rollout(context.ctx, &step, 1, &key, &drawn, c.batch, c.dim, r.next.data(), r.logp.data()) == ETALON_OK, etalon_last_error(context.ctx));
  expect(etalon_log_prob(context.ctx, &step, 1, &policy, r.next.data(), c.batch, c.dim, r.again.data()) == ETALON_OK, etalon_last_error(context.ctx));
  const double old[2] = {r.logp[0] - 0.01 * static_cast<double>(c.dim), r.logp[1] + 0.02 * static_cast<double>(c.dim)}, advantage[2] = {1.3, -0.7};
  etalon_objective objective = ETALON_OBJECTIVE_INIT;
  objective.old_logp = old, objective.advantage = advantage, objective.clip = 0.05, objective.kl_weight = 0.2;
  objective.reference_cond = c.arrays[3].data(), objective.reference_uncond = c.guided ? c.arrays[4].data() : nullptr;
  etalon_outcome outcome = ETALON_OUTCOME_INIT;
  outcome.loss = r.loss.data(), outcome.ratio = r.ratio.data(), outcome.clipped = r.clipped.data(), outcome.kl = r.kl.data();
  outcome.grad_cond = r.gradCond.data(), outcome.grad_uncond = c.guided ? r.gradUncond.data() : nullptr, outcome.grad_type = c.gradient;
  expect(etalon_policy_gradient(context.ctx, &step, 1, &policy, r.next.data(), &objective, c.batch, c.dim, &outcome) == ETALON_OK, etalon_last_error(context.ctx));
  return r;
}

/** The log-probability is that of the state as stored; and a call on 16-bit arrays is the call on the same numbers in float32, its results rounded once more. */
void against_float32(const Context& context, const Case& c) {
  const Results got = run(context, c), inPlace = run(context, c, true);
  expect(got.logp == got.again, "rollout's log-probability is log_prob's, of the state as stored");
  expect(inPlace.next.bytes == got.next.bytes && inPlace.logp == got.logp, "in place");
  const reference::Step step{0.93, -0.21, 0.37, 4.5};
  std::vector<std::vector<float>> wide;
  for (const Array& array : c.arrays) wide.push_back(array.values());
  const std::vector<float> next = got.next.values();
  for (int64_t s = 0; s < c.batch; ++s) {
    const int64_t at = s * c.dim;
    const float *x = &wide[0][at], *cond = &wide[1][at], *uncond = c.guided ? &wide[2][at] : nullptr, *y = &next[at];
    const double logp = reference::log_prob(step, x, cond, uncond, y, c.dim);
    expect(std::fabs(got.logp[s] - logp) <= 1e-12 * std::fabs(logp) + 1e-12, "log-probability of 16-bit states", s, got.logp[s], logp);
    for (int64_t i = 0; i < c.dim; ++i) {
      const double want = reference::mean(step, x, cond, uncond, i) + 0.37 * reference::normal(77, 2, c.samples[s], i);
      const double step16 = c.state == ETALON_FLOAT32 ? 1e-6 : std::ldexp(1.0, -format(c.state).fraction - 1) * std::fabs(want) + 1e-6;
      if (std::fabs(y[i] - want) > step16 + 1e-6 * std::fabs(want)) return expect(false, "16-bit state", at + i, y[i], want);
    }
    const double old = s == 0 ? got.logp[0] - 0.01 * static_cast<double>(c.dim) : got.logp[1] + 0.02 * static_cast<double>(c.dim);
    const auto outcome = reference::policy_gradient(step, x, cond, uncond, y, &wide[3][at], c.guided ? &wide[4][at] : nullptr, c.dim, old, s == 0 ? 1.3 : -0.7, 0.05, true, 0.2);
    expect(std::fabs(got.kl[s] - outcome.kl) <= 1e-12 * outcome.kl, "kl of 16-bit outputs", s, got.kl[s], outcome.kl);
    const double most = largest(outcome.gradCond);
    for (int64_t i = 0; i < c.dim; ++i) {
      const double want = outcome.gradCond[i], have = got.gradCond.value(at + i);
      const double unit = c.gradient == ETALON_FLOAT32 ? 1e-7 * std::fabs(want) : std::ldexp(1.0, -format(c.gradient).fraction - 1) * std::fabs(want) + (c.gradient == ETALON_FLOAT16 ? 0x1p-25 : 0);
      if (std::fabs(have - want) > 1.001 * unit + 1e-9 * most) return expect(false, "16-bit gradient", at + i, have, want);
    }
  }
}

void types(const Context& context, std::vector<Results>& first) {
  size_t turn = 0;
  for (const etalon_dtype state : kTypes)
    for (const etalon_dtype output : kTypes)
      for (const int64_t dim : {1, 15, 1030, 5000}) {
        const etalon_dtype gradient = kTypes[turn % 3];
        const Case c(context, dim, state, output, gradient, turn % 2 == 0);
        against_float32(context, c);
        const Results got = run(context, c);
        if (turn == first.size()) first.push_back(got);
        const Results& want = first[turn++];
        expect(got.next.bytes == want.next.bytes && got.gradCond.bytes == want.gradCond.bytes && got.gradUncond.bytes == want.gradUncond.bytes, "targets differ in a bit");
        expect(got.logp == want.logp && got.loss == want.loss && got.kl == want.kl && got.ratio == want.ratio, "targets differ in a sum");
      }
}

void too_large(const Context& context) {
  etalon_step step = ETALON_STEP_INIT;
  step.b = 1e6;
  const uint32_t sample = 0;
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  key.samples = &sample;
  const float one[4] = {0, 1, 1, 0};
  const uint16_t x[4] = {};
  uint16_t next[4];
  etalon_policy policy = ETALON_POLICY_INIT;
  policy.x = x, policy.cond = one, policy.state_type = ETALON_FLOAT16;
  double logp;
  for (const double std : {0.0, 1.0}) {
    step.std = std;
    expect(etalon_rollout(context.ctx, &step, 1, &key, &policy, 1, 4, next, &logp) == ETALON_NOT_FINITE, "a state beyond float16 must be reported");
  }
  policy.state_type = static_cast<etalon_dtype>(3);
  expect(etalon_rollout(context.ctx, &step, 1, &key, &policy, 1, 4, next, &logp) == ETALON_INVALID_ARGUMENT, "no such type");
}

/** A caller built with the header before there were types: its structs end earlier, and what lies behind them is anything. */
void older_header(const Context& context) {
  const Case c(context, 50, ETALON_FLOAT32, ETALON_FLOAT32, ETALON_FLOAT32, false);
  const Results want = run(context, c);
  Results got = want;
  etalon_step step = ETALON_STEP_INIT;
  step.a = 0.93, step.b = -0.21, step.std = 0.37, step.guidance = 4.5;
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  key.seed = 77, key.step = 2, key.samples = c.samples;
  etalon_policy policy = ETALON_POLICY_INIT;
  policy.struct_size = offsetof(etalon_policy, state_type), policy.x = c.arrays[0].data(), policy.cond = c.arrays[1].data();
  policy.state_type = policy.output_type = static_cast<etalon_dtype>(77);
  std::memset(got.next.data(), 0, 4 * got.next.size());
  expect(etalon_rollout(context.ctx, &step, 1, &key, &policy, c.batch, c.dim, got.next.data(), got.logp.data()) == ETALON_OK, etalon_last_error(context.ctx));
  expect(got.next.bytes == want.next.bytes && got.logp == want.logp, "an older policy is one of float32");
  policy.struct_size -= 8;
  expect(etalon_rollout(context.ctx, &step, 1, &key, &policy, c.batch, c.dim, got.next.data(), got.logp.data()) == ETALON_INVALID_ARGUMENT, "no such header");
}

void inspections(const Context& context) {
  for (const etalon_dtype type : kTypes) {
    const size_t count = 70001;
    Array array(type, count);
    const auto set = [&](size_t i, float value, uint16_t bfloat16, uint16_t float16) {
      type == ETALON_FLOAT32 ? array.set(i, value) : array.set(i, type == ETALON_BFLOAT16 ? bfloat16 : float16);
    };
    for (size_t i = 0; i < count; ++i) set(i, i % 2 ? -1.5f : 0.0f, i % 2 ? 0xBFC0 : 0x8000, i % 2 ? 0xBE00 : 0x8000);
    etalon_findings found = ETALON_FINDINGS_INIT;
    found.nans = 9;
    expect(etalon_inspect(context.ctx, type, array.data(), static_cast<int64_t>(count), &found) == ETALON_OK, "inspect");
    expect(found.nans == 0 && found.infinities == 0 && found.subnormals == 0 && found.first_nan == -1 && found.first_infinity == -1 && found.first_subnormal == -1, "a clean array");
    for (const size_t i : {69000, 70000, 20}) set(i, std::nanf(""), 0x7FC1, 0xFE00);
    for (const size_t i : {50001, 1024}) set(i, -INFINITY, 0xFF80, 0x7C00);
    for (const size_t i : {5, 6, 7, 40000}) set(i, -0x1p-149f, 0x0001, 0x83FF);
    expect(etalon_inspect(context.ctx, type, array.data(), static_cast<int64_t>(count), &found) == ETALON_OK, "inspect");
    expect(found.nans == 3 && found.first_nan == 20, "NaN", found.first_nan, static_cast<double>(found.nans), 3);
    expect(found.infinities == 2 && found.first_infinity == 1024, "infinite", found.first_infinity, static_cast<double>(found.infinities), 2);
    expect(found.subnormals == 4 && found.first_subnormal == 5, "subnormal", found.first_subnormal, static_cast<double>(found.subnormals), 4);
    expect(etalon_inspect(context.ctx, type, nullptr, 0, &found) == ETALON_OK && found.nans == 0, "an empty array");
    expect(etalon_inspect(context.ctx, type, nullptr, 1, &found) == ETALON_INVALID_ARGUMENT, "no array");
  }
}

/** A sample of 2^31 − 1 elements, all zero: pages that are never written take no memory. */
void largest_sample(const Context& context) {
  const int64_t dim = (int64_t{1} << 31) - 1;
  void* const zeros = mmap(nullptr, static_cast<size_t>(2 * dim), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (zeros == MAP_FAILED) return std::puts("SKIPPED: no address space for a sample of 2^31 - 1 elements"), void();
  etalon_step step = ETALON_STEP_INIT;
  step.a = 1, step.std = 0.5;
  etalon_policy policy = ETALON_POLICY_INIT;
  policy.x = policy.cond = zeros, policy.state_type = policy.output_type = ETALON_BFLOAT16;
  double logp = 0;
  expect(etalon_log_prob(context.ctx, &step, 1, &policy, zeros, 1, dim, &logp) == ETALON_OK, etalon_last_error(context.ctx));
  const double want = -static_cast<double>(dim) * (std::log(0.5) + 0.5 * std::log(2 * std::acos(-1.0)));
  expect(std::fabs(logp / want - 1) < 1e-14, "2^31 - 1 elements", 0, logp, want);
  expect(etalon_log_prob(context.ctx, &step, 1, &policy, zeros, 1, dim + 1, &logp) == ETALON_INVALID_ARGUMENT, "2^31 elements");
  expect(etalon_log_prob(context.ctx, &step, 1, &policy, zeros, dim, dim, &logp) == ETALON_INVALID_ARGUMENT, "more than can be addressed");
  munmap(zeros, static_cast<size_t>(2 * dim));
}

void steady_state(const Context& context) {
  const Case c(context, 3000, ETALON_BFLOAT16, ETALON_FLOAT16, ETALON_BFLOAT16, true);
  Results r = run(context, c);
  etalon_step step = ETALON_STEP_INIT;
  step.a = 0.9, step.b = 0.1, step.std = 0.4;
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  key.samples = c.samples;
  etalon_policy policy = ETALON_POLICY_INIT;
  policy.x = c.arrays[0].data(), policy.cond = c.arrays[1].data(), policy.uncond = c.arrays[2].data(), policy.state_type = c.state, policy.output_type = c.output;
  etalon_objective objective = ETALON_OBJECTIVE_INIT;
  objective.old_logp = r.logp.data(), objective.advantage = r.kl.data(), objective.clip = 10, objective.reference_cond = c.arrays[3].data(), objective.reference_uncond = c.arrays[4].data();
  etalon_outcome outcome = ETALON_OUTCOME_INIT;
  outcome.loss = r.loss.data(), outcome.ratio = r.ratio.data(), outcome.clipped = r.clipped.data(), outcome.kl = r.kl.data();
  outcome.grad_cond = r.gradCond.data(), outcome.grad_uncond = r.gradUncond.data(), outcome.grad_type = c.gradient;
  etalon_findings found = ETALON_FINDINGS_INIT;
  const auto all = [&] {
    return etalon_rollout(context.ctx, &step, 1, &key, &policy, c.batch, c.dim, r.next.data(), r.logp.data()) |
           etalon_log_prob(context.ctx, &step, 1, &policy, r.next.data(), c.batch, c.dim, r.logp.data()) |
           etalon_policy_gradient(context.ctx, &step, 1, &policy, r.next.data(), &objective, c.batch, c.dim, &outcome) |
           etalon_inspect(context.ctx, c.state, r.next.data(), c.batch * c.dim, &found);
  };
  std::vector<double> advantage(r.kl);
  objective.advantage = advantage.data();
  expect(all() == ETALON_OK, etalon_last_error(context.ctx));
  const int64_t before = allocations;
  expect(all() == ETALON_OK, etalon_last_error(context.ctx));
  expect(allocations == before, "a call like the one before it allocates", 0, static_cast<double>(allocations - before), 0);
}
}  // namespace

int main() {
  std::vector<Results> first;
  for (int i = 0; const char* target = etalon_available_target(i); ++i) {
    const Context context(target, 2);
    conversions(context);
    types(context, first);
    too_large(context);
    older_header(context);
    inspections(context);
    steady_state(context);
    if (i == 0 && !std::getenv("ETALON_REDUCED")) largest_sample(context);
    std::printf("checked %s\n", target);
  }
  return failures ? 1 : 0;
}
