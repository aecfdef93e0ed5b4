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
 *   - Arrays of elements are [batch, dim], contiguous, at any address; float32, or bfloat16 or float16 where a call says so (etalon_dtype). Arithmetic of an element
 *     is float64 on float32 noise; sums and scalars are float64. batch and dim run from 1 to 2^31 - 1.
 *   - The caller owns every buffer. Nothing prints, aborts or throws across this border; every function gives a status.
 *   - A refused argument writes nothing. After ETALON_NOT_FINITE outputs are undefined.
 *   - Threads may call at once, each with a context of its own. The worker threads are the process's: made at the first large call, kept, joined at exit.
 *   - Noise, states and gradients have the same bits on every target; sums as well (fixed tree), for any thread count and batch split.
 *     The logarithm and exponential of a sample's scalars come from the C library: the same on one machine.
 *   - Structs begin with their size, set by their _INIT: fields can be added at the end without breaking the ABI, and one that a caller's header does
 *     not have yet is as this one's _INIT sets it. A struct and the arrays of scalars that it points to
 *     (steps, sample ids, old_logp, ...) are read during the call and may go after it.
 *   - Inputs may overlap each other. An output overlaps nothing, save where its function allows it: arrays of elements that do are refused, for arrays of scalars
 *     it is not looked for.
 *   - x, o and next have the unit of the data, and std with them; a, b and guidance are pure numbers. Log-probabilities are natural logarithms of the density of `next` in
 *     that unit, so they change with it (by dim log of the factor) while ratios do not.
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
/** @return ETALON_VERSION of the library that is linked: major 10000 + minor 100 + patch. Before 1.0 a client fits a library of its own minor version. Any thread. */
ETALON_API int etalon_version(void);

/* ---- features: what this build has in it, whether or not this machine can run it (for that: etalon_available_target, etalon_cuda_device_count)
 * "cuda": the functions of etalon_cuda.h    "avx512", "avx2", "neon", "scalar": targets    "bfloat16", "float16": types of elements beside float32 */
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
/** @return the name, as "ETALON_NOT_FINITE"; "unknown status" for another number; never NULL, and for ever valid. */
ETALON_API const char* etalon_status_name(etalon_status status);

/* ---- context: target, thread count, error text and working memory of a caller. One thread at a time uses a context; contexts of several threads share the worker
 * threads, and a call that finds them taken does its work alone. A process made by fork has no workers: etalon_set_threads(ctx, 1) there. */
typedef struct etalon_context etalon_context;
/** Chooses the target: the best the CPU has, or what the environment's ETALON_TARGET names (an unknown name fails); and the thread count: ETALON_NUM_THREADS,
 *  else one a core this process may run on.   @param ctx  not NULL; NULL is written there where the call fails
 *  @return ETALON_OK; ETALON_UNSUPPORTED: etalon_last_error(NULL) explains; ETALON_OUT_OF_MEMORY; ETALON_INVALID_ARGUMENT: ctx is NULL */
ETALON_API etalon_status etalon_context_create(etalon_context** ctx);
/** Gives the context's memory back; no call may be using it.   @param ctx  may be NULL */
ETALON_API void etalon_context_destroy(etalon_context* ctx);
/** One line on the last call with ctx that failed, "" where none has; with NULL, on this thread's last failed etalon_context_create.
 *  @return English, without a line break; never NULL; valid until the next call with ctx (with NULL: of etalon_context_create on this thread) */
ETALON_API const char* etalon_last_error(const etalon_context* ctx);
/** How many threads calls with ctx may use; no result depends on it.   @param threads  1 ... 1024, the caller's own included
 *  @return ETALON_OK; ETALON_INVALID_ARGUMENT, and nothing changes */
ETALON_API etalon_status etalon_set_threads(etalon_context* ctx, int threads);
/** @return what ctx may use; 0 where ctx is NULL. */
ETALON_API int etalon_threads(const etalon_context* ctx);
/** @return the target in use: "avx512", "avx2", "neon" or "scalar"; "" where ctx is NULL. For ever valid. */
ETALON_API const char* etalon_target(const etalon_context* ctx);
/** @return the index-th target that this build has and this machine can run, best first; NULL past the last, and below 0. For ever valid; any thread. */
ETALON_API const char* etalon_available_target(int index);

/* ---- arguments */
typedef int32_t etalon_dtype;  /* of an array of elements; values are for ever. An integer: what no enumerator names is refused, where reading it from an enum could be undefined */
enum {
  ETALON_FLOAT32 = 0,
  ETALON_BFLOAT16 = 1,         /* as 16-bit words; a result is rounded once more, from float32 to nearest, ties to even */
  ETALON_FLOAT16 = 2
};

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
  const void* x;               /* [batch, dim]: the state */
  const void* cond;            /* [batch, dim]: the model's output */
  const void* uncond;          /* [batch, dim] or NULL: then o = cond */
  etalon_dtype state_type;     /* of x and of next */
  etalon_dtype output_type;    /* of cond, uncond and the reference's outputs */
} etalon_policy;
#define ETALON_POLICY_INIT {sizeof(etalon_policy), NULL, NULL, NULL, ETALON_FLOAT32, ETALON_FLOAT32}

typedef struct etalon_objective {
  size_t struct_size;
  const double* old_logp;      /* [batch], summed over dim */
  const double* advantage;     /* [batch] */
  double clip;                 /* >= 0: the ratio is clipped to [1 - clip, 1 + clip] */
  int mean;                    /* not 0: log-probabilities, KL and gradient are divided by dim */
  double kl_weight;            /* >= 0; 0: the gradient has no KL part */
  const void* reference_cond;  /* [batch, dim]; NULL: no KL, kl is 0 */
  const void* reference_uncond; /* [batch, dim], needed where policy.uncond and reference_cond are */
} etalon_objective;
#define ETALON_OBJECTIVE_INIT {sizeof(etalon_objective), NULL, NULL, 0.0, 1, 0.0, NULL, NULL}

typedef struct etalon_outcome { /* all a sample each: no division by batch */
  size_t struct_size;
  double* loss;                /* [batch]: max(-A ratio, -A clip(ratio)) + kl_weight kl */
  double* ratio;               /* [batch] */
  double* clipped;             /* [batch]: 1 where |ratio - 1| > clip, else 0 */
  double* kl;                  /* [batch], before the weight */
  void* grad_cond;             /* [batch, dim] */
  void* grad_uncond;           /* [batch, dim]; NULL exactly where policy.uncond is */
  etalon_dtype grad_type;      /* of both gradients, whatever the inputs are; float16 loses what is below 6e-8 */
} etalon_outcome;
#define ETALON_OUTCOME_INIT {sizeof(etalon_outcome), NULL, NULL, NULL, NULL, NULL, NULL, ETALON_FLOAT32}

typedef struct etalon_findings { /* what an array holds that is no normal number or zero: how many, and the index of the first, -1 where there is none */
  size_t struct_size;
  int64_t nans, infinities, subnormals;
  int64_t first_nan, first_infinity, first_subnormal;
} etalon_findings;
#define ETALON_FINDINGS_INIT {sizeof(etalon_findings), 0, 0, 0, -1, -1, -1}

/* ---- functions.  steps: `step_count` of them, one a sample (batch) or one for all (1) */
/** Ten rounds of Philox4x32.  counter, out: 4 words, least significant first; key: 2 words; out may be counter. Needs no context; any thread.
 *  @return ETALON_OK, or ETALON_INVALID_ARGUMENT: a NULL */
ETALON_API etalon_status etalon_philox4x32(const uint32_t* counter, const uint32_t* key, uint32_t* out);

/** Standard normals, |z| <= 6.77: the z of etalon_rollout with the same key.  key->samples: [batch].  out: float32 [batch, dim].
 *  @return ETALON_OK; ETALON_INVALID_ARGUMENT, and nothing is written */
ETALON_API etalon_status etalon_normal(etalon_context* ctx, const etalon_noise_key* key, int64_t batch, int64_t dim, float* out);

/** Counts NaN, infinite and subnormal numbers of an array.  Subnormal is meant in the array's own type: below 2^-126, in float16 below 2^-14.
 *  data: `count` elements, count >= 0 (0: data may be NULL).  findings: set by ETALON_FINDINGS_INIT; what it holds is replaced.
 *  @return ETALON_OK; ETALON_INVALID_ARGUMENT, and nothing is written */
ETALON_API etalon_status etalon_inspect(etalon_context* ctx, etalon_dtype type, const void* data, int64_t count, etalon_findings* findings);

/** Guidance, mean, noise and log-probability in one pass.  next: [batch, dim], of policy->state_type; may be policy->x, no other overlap.
 *  logp: [batch], summed over dim, to the bit what etalon_log_prob gives for `next` as stored; 0 where std is 0 (there is no density: `next` is the mean).
 *  @return ETALON_OK; ETALON_INVALID_ARGUMENT, and nothing is written; ETALON_NOT_FINITE: an input, or a state beyond policy->state_type; ETALON_OUT_OF_MEMORY */
ETALON_API etalon_status etalon_rollout(etalon_context* ctx, const etalon_step* steps, int64_t step_count, const etalon_noise_key* key,
                                        const etalon_policy* policy, int64_t batch, int64_t dim, void* next, double* logp);

/** Log-probability of `next`, of policy->state_type.  std > 0.  logp: [batch], summed over dim.
 *  @return ETALON_OK; ETALON_INVALID_ARGUMENT, and nothing is written; ETALON_NOT_FINITE: an input, or a sum beyond a double; ETALON_OUT_OF_MEMORY */
ETALON_API etalon_status etalon_log_prob(etalon_context* ctx, const etalon_step* steps, int64_t step_count, const etalon_policy* policy,
                                         const void* next, int64_t batch, int64_t dim, double* logp);

/** Clipped objective, KL and gradient with respect to the model's output, in two passes.  std > 0.  Gradients overlap nothing.
 *  @return ETALON_OK; ETALON_INVALID_ARGUMENT, and nothing is written; ETALON_NOT_FINITE: an input, or a ratio beyond a double; ETALON_OUT_OF_MEMORY */
ETALON_API etalon_status etalon_policy_gradient(etalon_context* ctx, const etalon_step* steps, int64_t step_count, const etalon_policy* policy,
                                                const void* next, const etalon_objective* objective, int64_t batch, int64_t dim,
                                                const etalon_outcome* outcome);

#ifdef __cplusplus
}
#endif
#endif /* ETALON_H */
