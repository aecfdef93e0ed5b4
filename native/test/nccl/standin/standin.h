// What the stand-ins tell each other and the tests, and the faults that a test may ask them for.
#pragma once
#include <cuda_runtime.h>

#include <atomic>
#include <functional>

namespace etalon::standin {
/** Puts work onto a stream. */
void enqueue(cudaStream_t stream, std::function<void()> work);
/** Whether memory is the GPU's: had by cudaMalloc, all of it. */
bool is_device_memory(const void* at, size_t bytes);
/** Bytes that were sent by ncclSend in this process. */
extern std::atomic<size_t> bytes_sent;
/** While a call of NCCL is in progress nothing may be put onto a stream: CUDA's calls of this thread are refused. */
extern thread_local bool is_settling;
}  // namespace etalon::standin

// Faults, by the environment:
//   ETALON_STANDIN_GPUS=n                 GPUs that a process sees (8 where it is not set)
//   ETALON_STANDIN_FAULT=what:rank:n      on that rank:
//     init    the communicator's start fails
//     send    the n-th ncclSend fails at once
//     async   the n-th group fails on the stream, and never ends
//     stuck   the n-th group never ends, and tells nothing
//     slow    the n-th group begins 1.5 s late
//     die     at the n-th ncclSend the process is killed
// A transport's first group and its first sends are its greeting.
