/*
 * Etalon: the fused step of a diffusion or flow sampler and its policy gradient, on the CPU. C99 and C++.
 *
 *   etalon_context* ctx;
 *   if (etalon_context_create(&ctx) != ETALON_OK) ...
 *   etalon_step step = ETALON_STEP_INIT;
 *   step.a = 0.93; step.b = -0.05; step.std = 0.3;
 *   etalon_rollout(ctx, &step, 1, &key, &policy, batch, dim, next, logp);
 *   etalon_context_destroy(ctx);
 *
 * What holds for all of it
 *   - Arrays of elements are float32 [batch, dim], contiguous; sums and scalars are float64. batch and dim run from 1 to 2^31 - 1.
 *   - The caller owns every buffer. Nothing prints, aborts or throws across this border; every function gives a status.
 *   - A refused argument writes nothing. After ETALON_NOT_FINITE outputs are undefined.
 *   - Threads may call at once, each with a context of its own. The worker threads are the process's: made at the first large call, kept, joined at exit.
 *   - Noise, states and gradients have the same bits on every target; sums as well (fixed tree), for any thread count and batch split.
 *     The logarithm and exponential of a sample's scalars come from the C library: the same on one machine.
 *   - Structs begin with their size, set by their _INIT: fields can be added at the end without breaking the ABI.
 * Formulas: docs/math.md. CUDA: etalon_cuda.h.
 */
#ifndef ETALON_H
#define ETALON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ETALON_API
#if defined(_WIN32)
#define ETALON_API
#else
#define ETALON_API __attribute__((visibility("default")))
#endif
#endif

/* ---- version */
#define ETALON_VERSION_MAJOR 0
#define ETALON_VERSION_MINOR 1
#define ETALON_VERSION_PATCH 0
#define ETALON_VERSION (ETALON_VERSION_MAJOR * 10000 + ETALON_VERSION_MINOR * 100 + ETALON_VERSION_PATCH) /* of this header */
/** @return ETALON_VERSION of the library that is linked. */
ETALON_API int etalon_version(void);

/* ---- features: what this build has in it, whether or not this machine can run it (for that: etalon_available_target, etalon_cuda_device_count)
 * "cuda": the functions of etalon_cuda.h    "avx512", "avx2", "neon", "scalar": targets */
/** @return the index-th feature; NULL past the last, and below 0. */
ETALON_API const char* etalon_feature(int index);
/** @return 1 where the library has the feature `name`, else 0: for an unknown name and for NULL too. */
ETALON_API int etalon_has_feature(const char* name);

/* ---- status: values are for ever */
typedef enum etalon_status {
  ETALON_OK = 0,
  ETALON_INVALID_ARGUMENT = 1, /* NULL, a size or number outside its range, an overlap */
  ETALON_NOT_FINITE = 2,       /* an input holds NaN or infinity, or a result left the range of a double */
  ETALON_UNSUPPORTED = 3,      /* ETALON_TARGET or ETALON_NUM_THREADS asks for what there is not */
  ETALON_OUT_OF_MEMORY = 4,
  ETALON_DEVICE = 5            /* the device failed (CUDA) */
} etalon_status;
/** @return the name, as "ETALON_NOT_FINITE"; never NULL. */
ETALON_API const char* etalon_status_name(etalon_status status);

/* ---- context */
typedef struct etalon_context etalon_context;
/** Chooses the target: the best the CPU has, or what the environment's ETALON_TARGET names (an unknown name fails); and the thread count: ETALON_NUM_THREADS,
 *  else one a core this process may run on.   @return ETALON_OK; ETALON_UNSUPPORTED: etalon_last_error(NULL) explains */
ETALON_API etalon_status etalon_context_create(etalon_context** ctx);
ETALON_API void etalon_context_destroy(etalon_context* ctx); /* NULL is fine */
/** One line on the last call with ctx that failed; with NULL, on this thread's last failed etalon_context_create.   @return never NULL; valid until the next call */
ETALON_API const char* etalon_last_error(const etalon_context* ctx);
/** @param threads  1 ... 1024, the caller's own included */
ETALON_API etalon_status etalon_set_threads(etalon_context* ctx, int threads);
ETALON_API int etalon_threads(const etalon_context* ctx);
/** @return the target in use: "avx512", "avx2", "neon" or "scalar". */
ETALON_API const char* etalon_target(const etalon_context* ctx);
/** @return the index-th target that this machine can run, best first; NULL past the last. */
ETALON_API const char* etalon_available_target(int index);

/* ---- arguments */
typedef struct etalon_step {   /* mean = a x + b o, sample = mean + std z; o = uncond + guidance (cond - uncond) */
  size_t struct_size;
  double a, b;
  double std;                  /* >= 0; 0: no noise, no log-probability */
  double guidance;             /* not read where uncond is NULL */
} etalon_step;
#define ETALON_STEP_INIT {sizeof(etalon_step), 0.0, 0.0, 0.0, 1.0}

typedef struct etalon_noise_key { /* element i is word i % 4 of Philox4x32-10(key = seed, counter = (i / 4, samples[k], step, 0)), made normal */
  size_t struct_size;
  uint64_t seed;
  uint32_t step;
  const uint32_t* samples;     /* [batch] ids */
} etalon_noise_key;
#define ETALON_NOISE_KEY_INIT {sizeof(etalon_noise_key), 0, 0, NULL}

typedef struct etalon_policy {
  size_t struct_size;
  const float* x;              /* [batch, dim]: the state */
  const float* cond;           /* [batch, dim]: the model's output */
  const float* uncond;         /* [batch, dim] or NULL: then o = cond */
} etalon_policy;
#define ETALON_POLICY_INIT {sizeof(etalon_policy), NULL, NULL, NULL}

typedef struct etalon_objective {
  size_t struct_size;
  const double* old_logp;      /* [batch], summed over dim */
  const double* advantage;     /* [batch] */
  double clip;                 /* >= 0: the ratio is clipped to [1 - clip, 1 + clip] */
  int mean;                    /* not 0: log-probabilities, KL and gradient are divided by dim */
  double kl_weight;            /* >= 0; 0: the gradient has no KL part */
  const float* reference_cond; /* [batch, dim]; NULL: no KL, kl is 0 */
  const float* reference_uncond; /* [batch, dim], needed where policy.uncond and reference_cond are */
} etalon_objective;
#define ETALON_OBJECTIVE_INIT {sizeof(etalon_objective), NULL, NULL, 0.0, 1, 0.0, NULL, NULL}

typedef struct etalon_outcome { /* all a sample each: no division by batch */
  size_t struct_size;
  double* loss;                /* [batch]: max(-A ratio, -A clip(ratio)) + kl_weight kl */
  double* ratio;               /* [batch] */
  double* clipped;             /* [batch]: 1 where |ratio - 1| > clip, else 0 */
  double* kl;                  /* [batch], before the weight */
  float* grad_cond;            /* [batch, dim] */
  float* grad_uncond;          /* [batch, dim]; NULL exactly where policy.uncond is */
} etalon_outcome;
#define ETALON_OUTCOME_INIT {sizeof(etalon_outcome), NULL, NULL, NULL, NULL, NULL, NULL}

/* ---- functions.  steps: `step_count` of them, one a sample (batch) or one for all (1) */
/** Ten rounds of Philox4x32.  counter, out: 4 words; key: 2 words.   @return ETALON_OK, or ETALON_INVALID_ARGUMENT: a NULL */
ETALON_API etalon_status etalon_philox4x32(const uint32_t* counter, const uint32_t* key, uint32_t* out);

/** Standard normals.  out: [batch, dim]. */
ETALON_API etalon_status etalon_normal(etalon_context* ctx, const etalon_noise_key* key, int64_t batch, int64_t dim, float* out);

/** Guidance, mean, noise and log-probability in one pass.  next: [batch, dim], may be policy->x, no other overlap.
 *  logp: [batch], summed over dim, to the bit what etalon_log_prob gives for `next`; 0 where std is 0 (there is no density). */
ETALON_API etalon_status etalon_rollout(etalon_context* ctx, const etalon_step* steps, int64_t step_count, const etalon_noise_key* key,
                                        const etalon_policy* policy, int64_t batch, int64_t dim, float* next, double* logp);

/** Log-probability of `next`.  std > 0.  logp: [batch], summed over dim. */
ETALON_API etalon_status etalon_log_prob(etalon_context* ctx, const etalon_step* steps, int64_t step_count, const etalon_policy* policy,
                                         const float* next, int64_t batch, int64_t dim, double* logp);

/** Clipped objective, KL and gradient with respect to the model's output, in two passes.  std > 0.  Gradients overlap nothing. */
ETALON_API etalon_status etalon_policy_gradient(etalon_context* ctx, const etalon_step* steps, int64_t step_count, const etalon_policy* policy,
                                                const float* next, const etalon_objective* objective, int64_t batch, int64_t dim,
                                                const etalon_outcome* outcome);

#ifdef __cplusplus
}
#endif
#endif /* ETALON_H */
