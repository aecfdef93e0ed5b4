// NCCL's communicator of all ranks. It never blocks (config.blocking = 0, NCCL 2.14): what is in progress is looked at, and between two looks the others may be told to end.
// After NVIDIA's documentation: user guide, "Creating a communicator with options", "Error handling and communicator abort", "Point-to-point communication".
#pragma once
#include <nccl.h>

#include <functional>

#include "mpi/transport.h"

#if NCCL_VERSION_CODE < NCCL_VERSION(2, 14, 0)
#error "NCCL 2.14 or newer is needed: it is the first with communicators that do not block"
#endif

namespace etalon::nccl {
class Communicator {
 public:
  /** All ranks make theirs, each with its GPU the thread's current one. @throws Refusal; Failure: names rank and call */
  explicit Communicator(mpi::ProcessTransport& control);
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  /** Ends it, where it was not aborted. */
  ~Communicator();

  /** Sends and receives that go on beside each other, put onto the stream: `calls` makes them by `send` and `receive`, 2048 at most. @throws Failure */
  void group(const std::function<void()>& calls);
  void send(const void* device, size_t bytes, int peer, cudaStream_t stream);
  void receive(void* device, size_t bytes, int peer, cudaStream_t stream);

  /** @throws Failure: what was put onto the stream has failed since, as where a peer's connection is gone */
  void look();
  /** Takes back what is on the stream, which may wait for a peer that never comes. Nothing can be sent or received any more. */
  void abort() noexcept;

 private:
  /** Waits until the last call is done. @throws Failure: it failed */
  void settle(const char* call);
  void check(ncclResult_t result, const char* call, int peer = -1);

  mpi::ProcessTransport& control_;
  ncclComm_t comm_ = nullptr;
};
}  // namespace etalon::nccl
