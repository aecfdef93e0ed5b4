/*
 * Etalon on CUDA: the same kernels as etalon.h, on device memory and the caller's stream. C99 and C++.
 *
 * What holds for all of it
 *   - A build without CUDA has these symbols not at all; ETALON_HAS_CUDA is defined for whoever links one that has them.
 *   - Nothing is allocated, nothing waits: a call puts kernels on `stream` and returns. Results may be read when the stream has come past them.
 *   - Pointers are device memory of `launch->device`, contiguous, unless marked "host". float32 arrays are [batch, dim]; any 4-byte aligned address will do,
 *     16-byte aligned rows (address and dim * 4) are read and written 16 bytes at a time.
 *   - No atomics and fixed trees: results do not depend on the grid, on how a batch is split into calls, or on the run. Per-element results and the sums are
 *     meant to have the CPU's bits; log and exp of double scalars (ratio, loss) may differ in the last place.
 *   - A refused argument starts nothing and writes nothing. Threads may call at once, with workspaces of their own.
 *   - Limits: batch and dim from 1 to 2^31 - 1, batch * dim to 2^62.
 */
#ifndef ETALON_CUDA_H
#define ETALON_CUDA_H

#include <stddef.h>
#include <stdint.h>

#include "etalon/etalon.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ETALON_CUDA_VERSION 1 /* of this header; etalon_cuda_version() gives the library's */
ETALON_API int etalon_cuda_version(void);

/** How many CUDA devices there are. No driver or no device is an answer, not a failure: 0 and ETALON_OK.
 *  @param count  host, not NULL    @return ETALON_OK; ETALON_INVALID_ARGUMENT: count is NULL */
ETALON_API etalon_status etalon_cuda_device_count(int* count);

/** What went wrong in this thread's last etalon_cuda_* call that did not return ETALON_OK: one line, host memory, valid until the thread's next such call. */
ETALON_API const char* etalon_cuda_last_error(void);

/** Where and on what a call runs. */
typedef struct etalon_cuda_launch {
  size_t struct_size;    /* set by ETALON_CUDA_LAUNCH_INIT */
  int device;            /* CUDA ordinal; the calling thread's current device is the same afterwards as before */
  void* stream;          /* cudaStream_t of that device; NULL: the default stream */
  void* workspace;       /* device memory, 16-byte aligned, etalon_cuda_workspace_size bytes; one call at a time uses it */
  size_t workspace_size; /* bytes */
  unsigned max_blocks;   /* 0: the library's choice. No result depends on it */
} etalon_cuda_launch;
#define ETALON_CUDA_LAUNCH_INIT {sizeof(etalon_cuda_launch), 0, NULL, NULL, 0, 0}

/** Bytes of workspace that any call on [batch, dim] needs; 0 where batch or dim is out of range. */
ETALON_API size_t etalon_cuda_workspace_size(int64_t batch, int64_t dim);

/** A step's coefficients as the kernels read them. Opaque: made by etalon_cuda_prepare, copied to the device by the caller where there is one a sample. */
typedef struct etalon_cuda_map {
  double opaque[8];
} etalon_cuda_map;

/** Checks and prepares one step, mean = a x + b o with o = uncond + guidance (cond - uncond), sample = mean + std z.
 *  @param std  >= 0; 0: no noise, no log-probability    @param map  host
 *  @return ETALON_OK; ETALON_INVALID_ARGUMENT: a coefficient is not finite or std is negative */
ETALON_API etalon_status etalon_cuda_prepare(double a, double b, double std, double guidance, etalon_cuda_map* map);

/** The policy: state, model output, step. */
typedef struct etalon_cuda_policy {
  size_t struct_size;          /* set by ETALON_CUDA_POLICY_INIT */
  const float* x;              /* [batch, dim] */
  const float* cond;           /* [batch, dim]: the model's output o */
  const float* uncond;         /* [batch, dim] or NULL: then o = cond and guidance is not read */
  const etalon_cuda_map* map;  /* host: one step for all samples; NULL where `maps` is given */
  const etalon_cuda_map* maps; /* device, [batch]: one step a sample; NULL where `map` is given */
} etalon_cuda_policy;
#define ETALON_CUDA_POLICY_INIT {sizeof(etalon_cuda_policy), NULL, NULL, NULL, NULL, NULL}

/** Noise is a function of (seed, step, samples[i], element) and of nothing else. */
typedef struct etalon_cuda_key {
  size_t struct_size;      /* set by ETALON_CUDA_KEY_INIT */
  uint64_t seed;
  uint32_t step;
  const uint32_t* samples; /* device, [batch]: ids */
} etalon_cuda_key;
#define ETALON_CUDA_KEY_INIT {sizeof(etalon_cuda_key), 0, 0, NULL}

/** Standard normals.  out: [batch, dim]. */
ETALON_API etalon_status etalon_cuda_normal(const etalon_cuda_launch* launch, const etalon_cuda_key* key, int64_t batch, int64_t dim, float* out);

/** Guidance, mean, noise, next state and its log-probability.  next: [batch, dim], may be policy->x itself, no other overlap.
 *  logp: float64 [batch], summed over dim; NaN for a sample whose std is 0 (there is no density). */
ETALON_API etalon_status etalon_cuda_rollout(const etalon_cuda_launch* launch, const etalon_cuda_policy* policy, const etalon_cuda_key* key,
                                             int64_t batch, int64_t dim, float* next, double* logp);

/** Log-probability of `next` under the policy.  logp: as for etalon_cuda_rollout. */
ETALON_API etalon_status etalon_cuda_log_prob(const etalon_cuda_launch* launch, const etalon_cuda_policy* policy, const float* next,
                                              int64_t batch, int64_t dim, double* logp);

/** The clipped objective of a step. */
typedef struct etalon_cuda_objective {
  size_t struct_size;           /* set by ETALON_CUDA_OBJECTIVE_INIT */
  const double* old_logp;       /* [batch], summed over dim */
  const double* advantage;      /* [batch] */
  double clip;                  /* >= 0: the ratio is clipped to [1 - clip, 1 + clip] */
  int mean;                     /* not 0: log-probabilities, KL and gradient are divided by dim */
  double kl_weight;             /* >= 0; 0: no KL, reference_* are not read */
  const float* reference_cond;  /* [batch, dim] */
  const float* reference_uncond;/* [batch, dim] or NULL: as policy->uncond */
} etalon_cuda_objective;
#define ETALON_CUDA_OBJECTIVE_INIT {sizeof(etalon_cuda_objective), NULL, NULL, 0.0, 1, 0.0, NULL, NULL}

/** What it comes to, a sample each: no division by batch.  The float64 arrays are [batch]; gradients [batch, dim], without overlap with any input. */
typedef struct etalon_cuda_outcome {
  size_t struct_size;  /* set by ETALON_CUDA_OUTCOME_INIT */
  double* loss;        /* max(-A ratio, -A clip(ratio)), plus kl_weight * kl */
  double* ratio;
  double* clipped;     /* 1 where the clipped branch was taken, else 0 */
  double* kl;
  float* grad_cond;
  float* grad_uncond;  /* NULL exactly where policy->uncond is NULL */
} etalon_cuda_outcome;
#define ETALON_CUDA_OUTCOME_INIT {sizeof(etalon_cuda_outcome), NULL, NULL, NULL, NULL, NULL, NULL}

/** Objective, KL and gradient with respect to the model output, in two passes over the elements. A sample whose std is 0 has no policy gradient: with one
 *  shared map that is ETALON_INVALID_ARGUMENT; a device-side map with std 0 gives NaN in every result of its sample. */
ETALON_API etalon_status etalon_cuda_policy_gradient(const etalon_cuda_launch* launch, const etalon_cuda_policy* policy, const float* next,
                                                     const etalon_cuda_objective* objective, int64_t batch, int64_t dim,
                                                     const etalon_cuda_outcome* outcome);

#ifdef __cplusplus
}
#endif
#endif /* ETALON_CUDA_H */
