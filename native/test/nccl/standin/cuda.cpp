// Streams that are threads: what is put onto one runs in order, beside the caller, so that a thread sanitizer sees memory that is used while it is under way.
#include <cuda_runtime.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "standin.h"

/** A stream. */
struct CUstream_st {
  CUstream_st() : thread([this] { run(); }) {}
  ~CUstream_st() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      ending = true;
    }
    changed.notify_all();
    thread.join();
  }
  void put(std::function<void()> job) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      jobs.push_back(std::move(job));
      ++submitted;
    }
    changed.notify_all();
  }
  void wait() {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [this] { return finished == submitted; });
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> jobs;
  size_t submitted = 0, finished = 0;
  bool ending = false;

 private:
  void run() {
    for (;;) {
      std::function<void()> job;
      {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [this] { return ending || !jobs.empty(); });
        if (jobs.empty()) return;
        job = std::move(jobs.front());
        jobs.pop_front();
      }
      job();
      {
        const std::lock_guard<std::mutex> lock(mutex);
        ++finished;
      }
      changed.notify_all();
    }
  }
  std::thread thread;
};

/** A mark on a stream: how much of it has to be finished. */
struct CUevent_st {
  CUstream_st* stream = nullptr;
  size_t mark = 0;
};

namespace etalon::standin {
namespace {
std::mutex owning;
std::map<const char*, size_t> device_memory, pinned_memory;
thread_local std::set<CUstream_st*> streams;   // of this rank, which may be one of several threads

bool lies_in(const std::map<const char*, size_t>& memory, const void* at, size_t bytes) {
  const std::lock_guard<std::mutex> lock(owning);
  const char* const begin = static_cast<const char*>(at);
  auto after = memory.upper_bound(begin);
  if (after == memory.begin()) return false;
  --after;
  return begin + bytes <= after->first + after->second;
}

cudaError_t allocate(std::map<const char*, size_t>& memory, void** at, size_t bytes) {
  *at = std::malloc(bytes);
  if (*at == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*at, 0xff, bytes);
  const std::lock_guard<std::mutex> lock(owning);
  memory[static_cast<const char*>(*at)] = bytes;
  return cudaSuccess;
}

/** As CUDA's: waits for all that is under way on this rank's GPU. */
cudaError_t release(std::map<const char*, size_t>& memory, void* at) {
  if (at == nullptr) return cudaSuccess;
  for (CUstream_st* const stream : streams) stream->wait();
  const std::lock_guard<std::mutex> lock(owning);
  if (memory.erase(static_cast<const char*>(at)) == 0) return cudaErrorInvalidValue;
  std::free(at);
  return cudaSuccess;
}

int devices() {
  const char* const told = std::getenv("ETALON_STANDIN_GPUS");
  return told == nullptr ? 8 : std::atoi(told);
}
}  // namespace

std::atomic<size_t> bytes_sent{0};
thread_local bool is_settling = false;

void enqueue(cudaStream_t stream, std::function<void()> work) { stream->put(std::move(work)); }
bool is_device_memory(const void* at, size_t bytes) { return lies_in(device_memory, at, bytes); }
}  // namespace etalon::standin

using namespace etalon::standin;

extern "C" {
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorNotReady: return "device not ready";
    default: return "invalid argument";
  }
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 0;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = devices();
  return *count == 0 ? cudaErrorNoDevice : cudaSuccess;
}

cudaError_t cudaSetDevice(int device) { return device < 0 || device >= devices() ? cudaErrorInvalidDevice : cudaSuccess; }

cudaError_t cudaDeviceGetPCIBusId(char* bus, int room, int device) {
  if (device < 0 || device >= devices()) return cudaErrorInvalidDevice;
  std::snprintf(bus, static_cast<size_t>(room), "0000:%02X:00.0", device + 1);
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** device, size_t bytes) { return allocate(device_memory, device, bytes); }
cudaError_t cudaFree(void* device) { return release(device_memory, device); }
cudaError_t cudaMallocHost(void** host, size_t bytes) { return allocate(pinned_memory, host, bytes); }
cudaError_t cudaFreeHost(void* host) { return release(pinned_memory, host); }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new CUstream_st;
  streams.insert(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  streams.erase(stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (is_settling) return cudaErrorInvalidValue;
  const std::lock_guard<std::mutex> lock(stream->mutex);
  *event = {stream, stream->submitted};
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (event->stream == nullptr) return cudaSuccess;
  const std::lock_guard<std::mutex> lock(event->stream->mutex);
  return event->stream->finished >= event->mark ? cudaSuccess : cudaErrorNotReady;
}

/** Stricter than CUDA's: the host's memory has to be pinned, since a copy from other memory is not asynchronous. */
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const bool up = kind == cudaMemcpyHostToDevice;
  const void *const host = up ? from : to, *const device = up ? to : from;
  if (is_settling || !lies_in(device_memory, device, bytes) || !lies_in(pinned_memory, host, bytes)) return cudaErrorInvalidValue;
  stream->put([=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}
}
