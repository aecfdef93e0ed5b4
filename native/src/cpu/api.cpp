// The C interface: checks arguments, cuts batches into chunks of one sample, and folds the chunks' sums.
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "core/philox.h"
#include "cpu/pool.h"
#include "cpu/targets.h"
#include "etalon/etalon.h"

using namespace etalon;
using core::kSumChunk;
using cpu::Inputs;
using cpu::Kernels;
using cpu::Map;

struct etalon_context {
  const Kernels* kernels;
  std::string error;
};

namespace {
constexpr int64_t kMostElements = std::numeric_limits<int32_t>::max();

struct Refused {
  std::string why;
};

void demand(bool holds, const char* why) {
  if (!holds) throw Refused{why};
}

/** Runs a call and turns whatever it throws into a status. */
template <typename Call>
etalon_status guarded(etalon_context* context, Call call) {
  if (!context) return ETALON_INVALID_ARGUMENT;
  try {
    context->error.clear();
    call();
    return ETALON_OK;
  } catch (const Refused& refused) {
    context->error = refused.why;
    return ETALON_INVALID_ARGUMENT;
  } catch (const std::bad_alloc&) {
    context->error = "out of memory";
    return ETALON_OUT_OF_MEMORY;
  } catch (...) {
    context->error = "a fault in the library";
    return ETALON_INTERNAL;
  }
}

void check_sizes(int64_t batch, int64_t dim) {
  demand(batch >= 1 && batch <= kMostElements, "batch is out of range; allowed: 1 to 2^31 - 1");
  demand(dim >= 1 && dim <= kMostElements, "dim is out of range; allowed: 1 to 2^31 - 1");
}

/** The steps as the kernels take them, one a sample or one for all. */
class Maps {
 public:
  Maps(const etalon_step* steps, int64_t count, int64_t batch, bool noisy) {
    demand(steps != nullptr, "steps is NULL");
    demand(count == 1 || count == batch, "step_count is neither 1 nor batch");
    maps_.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      const etalon_step& s = steps[i];
      demand(s.struct_size >= sizeof(etalon_step), "struct_size of a step is too small; begin with ETALON_STEP_INIT");
      demand(std::isfinite(s.a) && std::isfinite(s.b) && std::isfinite(s.guidance), "a, b or guidance of a step is not finite");
      demand(std::isfinite(s.std) && s.std >= 0, "std of a step is negative or not finite");
      demand(!noisy || s.std > 0, "std of a step is 0: without noise there is no log-probability");
      maps_.push_back({s.a, s.b, s.std, s.guidance});
    }
  }
  const Map& operator[](int64_t sample) const { return maps_.size() == 1 ? maps_[0] : maps_[static_cast<size_t>(sample)]; }

 private:
  std::vector<Map> maps_;
};

struct Chunk {
  int64_t sample, index, element, first;
  int count;
};

int64_t chunks_of(int64_t dim) { return (dim + kSumChunk - 1) / kSumChunk; }

/** Runs work(chunk) over all chunks of a batch, a few chunks a task. */
template <typename Work>
void for_chunks(int64_t batch, int64_t dim, Work work) {
  constexpr int64_t kPerTask = 8;
  const int64_t chunks = chunks_of(dim), all = batch * chunks;
  cpu::parallel_for((all + kPerTask - 1) / kPerTask, [&](int64_t task) {
    for (int64_t i = task * kPerTask; i < std::min(all, (task + 1) * kPerTask); ++i) {
      const int64_t sample = i / chunks, element = i % chunks * kSumChunk;
      work(Chunk{sample, i, element, sample * dim + element, static_cast<int>(std::min<int64_t>(kSumChunk, dim - element))});
    }
  });
}

/** A sum a sample: work(chunk) gives a chunk's. */
template <typename Work>
std::vector<double> sum_samples(int64_t batch, int64_t dim, Work work) {
  const int64_t chunks = chunks_of(dim);
  std::vector<double> partial(static_cast<size_t>(batch * chunks)), sums(static_cast<size_t>(batch));
  for_chunks(batch, dim, [&](const Chunk& chunk) { partial[static_cast<size_t>(chunk.index)] = work(chunk); });
  for (int64_t i = 0; i < batch; ++i) sums[static_cast<size_t>(i)] = core::sum_chunks(partial.data() + i * chunks, chunks);
  return sums;
}

Inputs inputs(const Chunk& c, const float* x, const float* cond, const float* uncond) {
  return {x + c.first, cond + c.first, uncond ? uncond + c.first : nullptr, c.count};
}

const float* at(const float* base, const Chunk& chunk) { return base ? base + chunk.first : nullptr; }

void check_key(const etalon_noise_key* key) {
  demand(key && key->samples, "key or its samples is NULL");
  demand(key->struct_size >= sizeof(etalon_noise_key), "struct_size of key is too small; begin with ETALON_NOISE_KEY_INIT");
}

/** The target that ETALON_TARGET names, or the best; null where it names one that does not run here. */
const Kernels* chosen_target() {
  const char* name = std::getenv("ETALON_TARGET");
  return name && *name ? cpu::find_target(name) : cpu::targets().front();
}
}  // namespace

int etalon_version(void) { return ETALON_VERSION; }

etalon_status etalon_context_create(etalon_context** context) {
  if (!context) return ETALON_INVALID_ARGUMENT;
  *context = nullptr;
  const Kernels* kernels = chosen_target();
  if (!kernels) return ETALON_INVALID_ARGUMENT;
  *context = new (std::nothrow) etalon_context{kernels, {}};
  return *context ? ETALON_OK : ETALON_OUT_OF_MEMORY;
}

void etalon_context_destroy(etalon_context* context) { delete context; }

const char* etalon_last_error(const etalon_context* context) { return context ? context->error.c_str() : "context is NULL"; }

const char* etalon_target(const etalon_context* context) { return context ? context->kernels->name : ""; }

const char* etalon_targets(void) {
  static const std::string names = [] {
    std::string list;
    for (const Kernels* kernels : cpu::targets()) list += (list.empty() ? "" : ",") + std::string(kernels->name);
    return list;
  }();
  return names.c_str();
}

etalon_status etalon_set_target(etalon_context* context, const char* name) {
  return guarded(context, [&] {
    const Kernels* kernels = name ? cpu::find_target(name) : nullptr;
    demand(kernels != nullptr, "no such target on this processor; etalon_targets() lists them");
    context->kernels = kernels;
  });
}

int etalon_threads(void) { return cpu::pool_threads(); }

etalon_status etalon_set_threads(etalon_context* context, int threads) {
  return guarded(context, [&] {
    demand(threads >= 1 && threads <= 1024, "threads is out of range; allowed: 1 to 1024");
    cpu::set_pool_threads(threads);
  });
}

void etalon_philox4x32(const uint32_t* counter, const uint32_t* key, uint32_t* words) {
  const core::Words out = core::philox4x32({{counter[0], counter[1], counter[2], counter[3]}}, key[0], key[1]);
  std::copy(out.v, out.v + 4, words);
}

etalon_status etalon_normal(etalon_context* context, const etalon_noise_key* key, int64_t batch, int64_t dim, float* out) {
  return guarded(context, [&] {
    check_sizes(batch, dim);
    check_key(key);
    demand(out != nullptr, "out is NULL");
    for_chunks(batch, dim, [&](const Chunk& c) { context->kernels->normal(key->seed, key->step, key->samples[c.sample], c.element, c.count, out + c.first); });
  });
}

etalon_status etalon_rollout(etalon_context* context, const etalon_step* steps, int64_t step_count, const etalon_noise_key* key, const float* x, const float* cond, const float* uncond,
                             int64_t batch, int64_t dim, float* next, double* logp) {
  return guarded(context, [&] {
    check_sizes(batch, dim);
    check_key(key);
    demand(x && cond && next, "x, cond or next is NULL");
    const Maps maps(steps, step_count, batch, false);
    const std::vector<double> squares = sum_samples(batch, dim, [&](const Chunk& c) {
      return context->kernels->rollout(maps[c.sample], key->seed, key->step, key->samples[c.sample], c.element, inputs(c, x, cond, uncond), next + c.first);
    });
    if (!logp) return;
    for (int64_t i = 0; i < batch; ++i)
      logp[i] = maps[i].std > 0 ? core::log_prob(squares[static_cast<size_t>(i)], maps[i].std, dim) : std::numeric_limits<double>::quiet_NaN();
  });
}

etalon_status etalon_log_prob(etalon_context* context, const etalon_step* steps, int64_t step_count, const float* next, const float* x, const float* cond, const float* uncond, int64_t batch,
                              int64_t dim, double* logp) {
  return guarded(context, [&] {
    check_sizes(batch, dim);
    demand(next && x && cond && logp, "next, x, cond or logp is NULL");
    const Maps maps(steps, step_count, batch, true);
    const std::vector<double> squares =
        sum_samples(batch, dim, [&](const Chunk& c) { return context->kernels->squares(maps[c.sample], inputs(c, x, cond, uncond), next + c.first); });
    for (int64_t i = 0; i < batch; ++i) logp[i] = core::log_prob(squares[static_cast<size_t>(i)], maps[i].std, dim);
  });
}

etalon_status etalon_policy_gradient(etalon_context* context, const etalon_step* steps, int64_t step_count, const float* next, const float* x, const float* cond, const float* uncond,
                                     const etalon_objective* objective, int64_t batch, int64_t dim, const etalon_outcome* outcome) {
  return guarded(context, [&] {
    check_sizes(batch, dim);
    demand(next && x && cond && objective && outcome, "next, x, cond, objective or outcome is NULL");
    demand(objective->struct_size >= sizeof(etalon_objective) && outcome->struct_size >= sizeof(etalon_outcome), "struct_size is too small; begin with ETALON_…_INIT");
    demand(objective->old_logp && objective->advantage, "old_logp or advantage is NULL");
    demand(outcome->loss && outcome->ratio && outcome->clipped && outcome->kl && outcome->grad_cond, "a result is NULL");
    demand((outcome->grad_uncond != nullptr) == (uncond != nullptr), "grad_uncond goes with uncond");
    demand(std::isfinite(objective->clip) && objective->clip >= 0, "clip is negative or not finite");
    demand(std::isfinite(objective->kl_weight) && objective->kl_weight >= 0, "kl_weight is negative or not finite");
    const float *refCond = objective->reference_cond, *refUncond = objective->reference_uncond;
    demand((refUncond != nullptr) == (refCond != nullptr && uncond != nullptr), "reference_uncond goes with uncond and reference_cond");
    for (int64_t i = 0; i < batch; ++i) demand(std::isfinite(objective->old_logp[i]) && std::isfinite(objective->advantage[i]), "old_logp or advantage is not finite");
    const Maps maps(steps, step_count, batch, true);
    const Kernels& kernels = *context->kernels;
    const std::vector<double> squares = sum_samples(batch, dim, [&](const Chunk& c) { return kernels.squares(maps[c.sample], inputs(c, x, cond, uncond), next + c.first); });
    std::vector<double> apart(static_cast<size_t>(batch));
    if (refCond)
      apart = sum_samples(batch, dim, [&](const Chunk& c) { return kernels.differences(maps[c.sample], inputs(c, x, cond, uncond), at(refCond, c), at(refUncond, c)); });
    const double share = objective->mean ? 1.0 / static_cast<double>(dim) : 1.0;
    std::vector<core::Objective> results(static_cast<size_t>(batch));
    for (int64_t i = 0; i < batch; ++i) {
      const size_t k = static_cast<size_t>(i);
      results[k] = core::clipped_objective(maps[i], core::log_prob(squares[k], maps[i].std, dim), objective->old_logp[i], objective->advantage[i], objective->clip, share,
                                           objective->kl_weight, apart[k]);
      outcome->loss[i] = results[k].loss;
      outcome->ratio[i] = results[k].ratio;
      outcome->clipped[i] = results[k].clipped;
      outcome->kl[i] = results[k].kl;
    }
    for_chunks(batch, dim, [&](const Chunk& c) {
      kernels.gradient(maps[c.sample], results[static_cast<size_t>(c.sample)], inputs(c, x, cond, uncond), next + c.first, at(refCond, c), at(refUncond, c), outcome->grad_cond + c.first,
                       outcome->grad_uncond ? outcome->grad_uncond + c.first : nullptr);
    });
  });
}
