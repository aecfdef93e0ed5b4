/*
 * Etalon: the sampler step of diffusion and flow models, and its policy gradient, fused. C99 and C++.
 *
 *   etalon_context* ctx;
 *   if (etalon_context_create(&ctx) != ETALON_OK) return 1;
 *   etalon_step step = ETALON_STEP_INIT;
 *   step.a = 0.98; step.b = -0.1; step.std = 0.05;
 *   etalon_rollout(ctx, &step, 1, &key, x, cond, NULL, batch, dim, next, logp);
 *   etalon_context_destroy(ctx);
 *
 * What holds for all of it
 *   - A batch is [batch, dim], contiguous: batch samples of dim elements each. 1 <= dim <= 2^31 - 1, 1 <= batch <= 2^31 - 1. Pointers need the alignment of their element only.
 *   - Every function gives a status. A refused argument writes nothing; etalon_last_error(ctx) says in a line what was refused.
 *   - Noise is Philox4x32-10 under (seed, step, sample id, element) and Box–Muller: the same bits on every target, in any batch, split or thread count.
 *   - Per-element results have the same bits on every CPU target; sums have a fixed order, so the same bits for any thread count and split.
 *   - The library allocates little, prints nothing, never aborts, and no C++ exception leaves it. Threads may call at once, each with its own context.
 */
#ifndef ETALON_H
#define ETALON_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define ETALON_API
#else
#define ETALON_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- version ---- */
#define ETALON_VERSION 100 /* major * 10000 + minor * 100 + patch */
/** ETALON_VERSION of the library that runs. */
ETALON_API int etalon_version(void);

/* ---- status ---- */
typedef enum etalon_status {
  ETALON_OK = 0,
  ETALON_INVALID_ARGUMENT = 1,
  ETALON_OUT_OF_MEMORY = 2,
  ETALON_DEVICE = 3,
  ETALON_INTERNAL = 4
} etalon_status;

/* ---- context ---- */
typedef struct etalon_context etalon_context;
/** @return ETALON_OK; ETALON_OUT_OF_MEMORY; ETALON_INVALID_ARGUMENT: context is NULL, or ETALON_TARGET names a target that this machine lacks (then no context is made) */
ETALON_API etalon_status etalon_context_create(etalon_context** context);
/** NULL is allowed. */
ETALON_API void etalon_context_destroy(etalon_context* context);
/** What was wrong with this context's last call that did not give ETALON_OK; empty before. Valid until its next call. */
ETALON_API const char* etalon_last_error(const etalon_context* context);

/** The target in use: "scalar", "avx2" or "avx512". Chosen by the processor; the environment's ETALON_TARGET forces one. */
ETALON_API const char* etalon_target(const etalon_context* context);
/** The targets that this processor runs, separated by commas, best first. */
ETALON_API const char* etalon_targets(void);
/** Forces a target for this context. @return ETALON_INVALID_ARGUMENT: no such target here */
ETALON_API etalon_status etalon_set_target(etalon_context* context, const char* name);

/** Threads of the process's pool. It is made by the first call that needs it: ETALON_NUM_THREADS of them, else one a processor. */
ETALON_API int etalon_threads(void);
/** @param threads  1 to 1024    @return ETALON_INVALID_ARGUMENT */
ETALON_API etalon_status etalon_set_threads(etalon_context* context, int threads);

/* ---- noise ---- */
/** counter: [4], key: [2], words: [4]. */
ETALON_API void etalon_philox4x32(const uint32_t* counter, const uint32_t* key, uint32_t* words);

/** What noise is a function of, beside the element. */
typedef struct etalon_noise_key {
  size_t struct_size; /* set by ETALON_NOISE_KEY_INIT */
  uint64_t seed;
  uint32_t step;
  const uint32_t* samples; /* [batch]: ids */
} etalon_noise_key;
#define ETALON_NOISE_KEY_INIT {sizeof(etalon_noise_key), 0, 0, NULL}

/** Standard normals.  out: float32 [batch, dim]. */
ETALON_API etalon_status etalon_normal(etalon_context* context, const etalon_noise_key* key, int64_t batch, int64_t dim, float* out);

/* ---- a step ---- */
/** mean = a x + b o with o = uncond + guidance (cond - uncond); sample = mean + std z. */
typedef struct etalon_step {
  size_t struct_size; /* set by ETALON_STEP_INIT: fields can be added without breaking the ABI */
  double a, b;
  double std;      /* >= 0; 0: no noise, no log-probability */
  double guidance; /* read only where uncond is given */
} etalon_step;
#define ETALON_STEP_INIT {sizeof(etalon_step), 0.0, 0.0, 0.0, 1.0}

/**
 * Guidance, mean, noise, next state and its log-probability in one pass.
 * @param steps  [step_count]; step_count is 1 (one for all samples) or batch
 * @param x, cond, uncond  float32 [batch, dim]; uncond NULL: o is cond    @param next  float32 [batch, dim]; may be x, no other overlap
 * @param logp  float64 [batch], summed over dim; NaN for a sample whose std is 0; NULL: not wanted
 */
ETALON_API etalon_status etalon_rollout(etalon_context* context, const etalon_step* steps, int64_t step_count, const etalon_noise_key* key, const float* x, const float* cond,
                                        const float* uncond, int64_t batch, int64_t dim, float* next, double* logp);

/** The log-probability of a given next state: etalon_rollout's own bits for what it drew. logp: float64 [batch]. Every std > 0. */
ETALON_API etalon_status etalon_log_prob(etalon_context* context, const etalon_step* steps, int64_t step_count, const float* next, const float* x, const float* cond, const float* uncond,
                                         int64_t batch, int64_t dim, double* logp);

/* ---- policy gradient ---- */
typedef struct etalon_objective {
  size_t struct_size;            /* set by ETALON_OBJECTIVE_INIT */
  const double* old_logp;        /* [batch], summed over dim */
  const double* advantage;       /* [batch] */
  double clip;                   /* >= 0: the ratio is held in [1 - clip, 1 + clip] */
  int mean;                      /* not 0: log-probabilities, KL and gradient are divided by dim */
  double kl_weight;              /* >= 0; weight of the KL's gradient */
  const float* reference_cond;   /* [batch, dim]: the reference model's output; NULL: no KL */
  const float* reference_uncond; /* [batch, dim]; given exactly where uncond and reference_cond are */
} etalon_objective;
#define ETALON_OBJECTIVE_INIT {sizeof(etalon_objective), NULL, NULL, 0.0, 1, 0.0, NULL, NULL}

/** A sample's results: no division by batch. */
typedef struct etalon_outcome {
  size_t struct_size; /* set by ETALON_OUTCOME_INIT */
  double* loss;       /* [batch]: max(-A ratio, -A clip(ratio)); the KL stands beside it */
  double* ratio;      /* [batch] */
  double* clipped;    /* [batch]: 1 where |ratio - 1| > clip */
  double* kl;         /* [batch] */
  float* grad_cond;   /* [batch, dim]: the gradient of loss + kl_weight * kl */
  float* grad_uncond; /* [batch, dim]; given exactly where uncond is */
} etalon_outcome;
#define ETALON_OUTCOME_INIT {sizeof(etalon_outcome), NULL, NULL, NULL, NULL, NULL, NULL}

/** Objective, KL and gradient with respect to the model's output, in two passes; nothing of the size of a batch is kept between them. Every std > 0. */
ETALON_API etalon_status etalon_policy_gradient(etalon_context* context, const etalon_step* steps, int64_t step_count, const float* next, const float* x, const float* cond,
                                                const float* uncond, const etalon_objective* objective, int64_t batch, int64_t dim, const etalon_outcome* outcome);

#ifdef __cplusplus
}
#endif
#endif /* ETALON_H */
