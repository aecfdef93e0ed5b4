/*
 * Etalon on CUDA: the same kernels as etalon.h, on device memory and the caller's stream. C99 and C++.
 *
 * What holds for all of it
 *   - A build without CUDA has these symbols not at all; ETALON_HAS_CUDA is defined for whoever links one that has them.
 *   - Nothing is allocated, nothing waits: a call puts kernels on `stream` and returns. Results may be read when the stream has come past them.
 *   - Pointers are device memory of `launch->device`, contiguous, unless marked "host". Arrays are [batch, dim], of the types that the structs say; any address that
 *     is a multiple of the element's size will do. Where address and row allow it, accesses are of 16 bytes.
 *   - No atomics and fixed trees: results do not depend on the grid, on how a batch is split into calls, or on the run. Per-element results and the sums are
 *     meant to have the CPU's bits; log and exp of double scalars (ratio, loss) may differ in the last place.
 *   - A refused argument starts nothing and writes nothing. Threads may call at once, with workspaces of their own.
 *   - Limits: batch and dim from 1 to 2^31 - 1.
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

/* Each call gives ETALON_OK: its kernels are on the stream; ETALON_INVALID_ARGUMENT: nothing is started; ETALON_DEVICE: the launch or the device failed.
 * The calls mirror etalon.h's, with its structs. What differs: the arrays that etalon_noise_key, etalon_policy, etalon_objective and etalon_outcome point to are
 * device memory; the structs themselves are host memory and may go when the call returns. A step comes as `step` (host, one for all samples, checked) or as `steps`
 * (device, [batch], not checked: that would mean waiting); the other is NULL. Nor is any array checked: what is not finite gives NaN in the results of its sample. */

/** Standard normals.  out: [batch, dim]. No workspace is needed. */
ETALON_API etalon_status etalon_cuda_normal(const etalon_cuda_launch* launch, const etalon_noise_key* key, int64_t batch, int64_t dim, float* out);

/** Guidance, mean, noise, next state and its log-probability.  next: [batch, dim], may be policy->x, no other overlap.
 *  logp: [batch], summed over dim; 0 where std is 0 (there is no density); NULL: not wanted. */
ETALON_API etalon_status etalon_cuda_rollout(const etalon_cuda_launch* launch, const etalon_step* step, const etalon_step* steps, const etalon_noise_key* key,
                                             const etalon_policy* policy, int64_t batch, int64_t dim, void* next, double* logp);

/** Log-probability of `next`: etalon_cuda_rollout's own bits for what it drew.  logp: [batch].  Every std > 0; one of 0 among `steps` gives NaN for its sample. */
ETALON_API etalon_status etalon_cuda_log_prob(const etalon_cuda_launch* launch, const etalon_step* step, const etalon_step* steps, const etalon_policy* policy,
                                              const void* next, int64_t batch, int64_t dim, double* logp);

/** Objective, KL and gradient with respect to the model's output, in two passes over the elements.  Every std > 0; one of 0 among `steps` gives NaN for its sample.
 *  Gradients overlap nothing. */
ETALON_API etalon_status etalon_cuda_policy_gradient(const etalon_cuda_launch* launch, const etalon_step* step, const etalon_step* steps, const etalon_policy* policy,
                                                     const void* next, const etalon_objective* objective, int64_t batch, int64_t dim,
                                                     const etalon_outcome* outcome);

#ifdef __cplusplus
}
#endif
#endif /* ETALON_CUDA_H */
