#include "cpu/context.h"

#include <cstdlib>

#include "core/philox.h"
#include "cpu/targets.h"
#include "sized.h"

namespace etalon::cpu {
void check_sizes(int64_t batch, int64_t dim) {
  const int64_t most = (int64_t{1} << 31) - 1;
  require(batch >= 1 && batch <= most, "batch is outside 1 ... 2^31 - 1");
  require(dim >= 1 && dim <= most, "dim is outside 1 ... 2^31 - 1");
  require(batch <= (int64_t{1} << 60) / dim, "batch * dim is above 2^60");
}

void check_type(etalon_dtype type, const char* message) { require(type == ETALON_FLOAT32 || type == ETALON_BFLOAT16 || type == ETALON_FLOAT16, message); }

void check_key(const etalon_noise_key* key) {
  require(key && key->struct_size >= sizeof(etalon_noise_key), "key is NULL or not set by ETALON_NOISE_KEY_INIT");
  require(key->samples, "key.samples is NULL");
}

etalon_policy check_policy(const etalon_policy* given) {
  require(sized(given, offsetof(etalon_policy, state_type)), "policy is NULL or not set by ETALON_POLICY_INIT");
  const etalon_policy policy = completed(*given, etalon_policy ETALON_POLICY_INIT);
  require(policy.x && policy.cond, "policy.x or policy.cond is NULL");
  check_type(policy.state_type, "policy.state_type is no etalon_dtype");
  check_type(policy.output_type, "policy.output_type is no etalon_dtype");
  return policy;
}

void check_steps(const etalon_step* steps, int64_t count, int64_t batch, bool noisy) {
  require(steps, "steps is NULL");
  require(count == 1 || count == batch, "step_count is neither 1 nor batch");
  for (int64_t i = 0; i < count; ++i) {
    require(steps[i].struct_size == sizeof(etalon_step), "a step is not set by ETALON_STEP_INIT");
    require(std::isfinite(steps[i].a) && std::isfinite(steps[i].b) && std::isfinite(steps[i].guidance), "a, b or guidance of a step is not finite");
    require(std::isfinite(steps[i].std) && steps[i].std >= 0, "std of a step is negative or not finite");
    require(!noisy || steps[i].std > 0, "std of a step is 0: a deterministic step has no log-probability");
  }
}

void check_apart(const void* out, int64_t outBytes, const void* input, int64_t inputBytes, bool same, const char* message) {
  if (!out || !input || (same && out == input)) return;
  const uintptr_t o = reinterpret_cast<uintptr_t>(out), i = reinterpret_cast<uintptr_t>(input);
  require(o + static_cast<uintptr_t>(outBytes) <= i || i + static_cast<uintptr_t>(inputBytes) <= o, message);
}

void check_finite(double value, int64_t sample) {
  if (!std::isfinite(value)) throw Refusal{ETALON_NOT_FINITE, "sample " + std::to_string(sample) + " has a result that is not finite"};
}

namespace {
thread_local std::string lastCreateError;

etalon_status refuse_create(std::string message) {
  lastCreateError = std::move(message);
  return ETALON_UNSUPPORTED;
}
}  // namespace
}  // namespace etalon::cpu

using namespace etalon;

extern "C" {
int etalon_version(void) { return ETALON_VERSION; }

const char* etalon_status_name(etalon_status status) {
  switch (status) {
    case ETALON_OK: return "ETALON_OK";
    case ETALON_INVALID_ARGUMENT: return "ETALON_INVALID_ARGUMENT";
    case ETALON_NOT_FINITE: return "ETALON_NOT_FINITE";
    case ETALON_UNSUPPORTED: return "ETALON_UNSUPPORTED";
    case ETALON_OUT_OF_MEMORY: return "ETALON_OUT_OF_MEMORY";
    case ETALON_DEVICE: return "ETALON_DEVICE";
  }
  return "unknown status";
}

etalon_status etalon_context_create(etalon_context** ctx) {
  if (!ctx) return ETALON_INVALID_ARGUMENT;
  *ctx = nullptr;
  try {
    std::string error;
    const cpu::Kernels* kernels = cpu::choose_target(std::getenv("ETALON_TARGET"), error);
    if (!kernels) return cpu::refuse_create(error);
    long threads = cpu::usable_cores();
    const char* asked = std::getenv("ETALON_NUM_THREADS");
    if (asked && *asked) {
      char* end = nullptr;
      threads = std::strtol(asked, &end, 10);
      if (*end || threads < 1 || threads > 1024)
        return cpu::refuse_create("ETALON_NUM_THREADS is \"" + std::string(asked) + "\"; allowed: a whole number from 1 to 1024");
    }
    *ctx = new etalon_context{kernels, static_cast<int>(threads < 1024 ? threads : 1024), "", {}, {}, {}, {}};
    return ETALON_OK;
  } catch (...) {
    return ETALON_OUT_OF_MEMORY;
  }
}

void etalon_context_destroy(etalon_context* ctx) { delete ctx; }

const char* etalon_last_error(const etalon_context* ctx) { return ctx ? ctx->error.c_str() : cpu::lastCreateError.c_str(); }

etalon_status etalon_set_threads(etalon_context* ctx, int threads) {
  return cpu::guarded(ctx, [&] {
    cpu::require(threads >= 1 && threads <= 1024, "threads is outside 1 ... 1024");
    ctx->threads = threads;
  });
}

int etalon_threads(const etalon_context* ctx) { return ctx ? ctx->threads : 0; }

const char* etalon_target(const etalon_context* ctx) { return ctx ? ctx->kernels->name : ""; }

const char* etalon_available_target(int index) {
  const cpu::Kernels* kernels = index < 0 ? nullptr : cpu::available_target(index);
  return kernels ? kernels->name : nullptr;
}

etalon_status etalon_philox4x32(const uint32_t* counter, const uint32_t* key, uint32_t* out) {
  if (!counter || !key || !out) return ETALON_INVALID_ARGUMENT;
  const core::Words words = core::philox4x32(core::Words{{counter[0], counter[1], counter[2], counter[3]}}, key[0], key[1]);
  for (int i = 0; i < 4; ++i) out[i] = words.w[i];
  return ETALON_OK;
}
}
