// Memory that a round of messages passes through. NCCL reads and writes the GPU's memory; a copy between it and the host runs beside the host's own work where the host's memory is pinned.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>
#include <string>

#include "mpi/transport.h"

namespace etalon::nccl {
/** @throws Failure: names the call and what CUDA says */
inline void check_cuda(cudaError_t status, const char* call) {
  if (status != cudaSuccess) throw mpi::Failure(std::string(call) + ": " + cudaGetErrorString(status));
}

/** As many bytes on the host as on the GPU. Grows where more is needed, and never shrinks. */
class Staging {
 public:
  Staging() = default;
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() { release(); }

  /** What lies in it is lost where it grows. Nothing of this GPU may be under way then: freeing memory waits for all of it, a message whose sender has died included. */
  void reserve(size_t bytes) {
    if (bytes <= room_) return;
    release();
    check_cuda(cudaMallocHost(reinterpret_cast<void**>(&host_), bytes), "cudaMallocHost");
    check_cuda(cudaMalloc(reinterpret_cast<void**>(&device_), bytes), "cudaMalloc");
    room_ = bytes;
  }
  uint8_t* host() const { return host_; }
  uint8_t* device() const { return device_; }

 private:
  void release() {
    cudaFreeHost(host_);   // of a null pointer: nothing
    cudaFree(device_);
    host_ = device_ = nullptr;
    room_ = 0;
  }

  uint8_t *host_ = nullptr, *device_ = nullptr;
  size_t room_ = 0;
};

/** A CUDA stream that waits for no other. */
class Stream {
 public:
  Stream() { check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { cudaStreamDestroy(stream_); }
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/** What a round needs: memory both ways, and a mark behind its last operation. */
class Lane {
 public:
  Lane() { check_cuda(cudaEventCreateWithFlags(&done_, cudaEventDisableTiming), "cudaEventCreateWithFlags"); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane() { cudaEventDestroy(done_); }

  Staging outgoing, incoming;
  void mark(cudaStream_t stream) { check_cuda(cudaEventRecord(done_, stream), "cudaEventRecord"); }
  bool is_done() const {
    const cudaError_t status = cudaEventQuery(done_);
    if (status == cudaErrorNotReady) return false;
    check_cuda(status, "cudaEventQuery");
    return true;
  }

 private:
  cudaEvent_t done_ = nullptr;
};
}  // namespace etalon::nccl
