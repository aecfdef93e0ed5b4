#include "nccl/communicator.h"

#include <cstring>

#include "mpi/agreement.h"
#include "mpi/collectives.h"
#include "mpi/rest.h"

namespace etalon::nccl {
Communicator::Communicator(mpi::ProcessTransport& control) : control_(control) {
  ncclUniqueId id = {};
  std::string problem;
  if (control.rank() == 0) {
    const ncclResult_t result = ncclGetUniqueId(&id);
    if (result != ncclSuccess) problem = std::string("ncclGetUniqueId: ") + ncclGetErrorString(result);
  }
  mpi::agree(control, problem);
  mpi::broadcast(control, reinterpret_cast<uint8_t*>(&id), sizeof id, 0);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  try {
    check(ncclCommInitRankConfig(&comm_, control.size(), id, control.rank(), &config), "ncclCommInitRankConfig");
    settle("ncclCommInitRankConfig");
  } catch (...) {
    abort();
    throw;
  }
}

Communicator::~Communicator() {
  if (comm_ == nullptr) return;
  try {
    check(ncclCommFinalize(comm_), "ncclCommFinalize");
    settle("ncclCommFinalize");
    ncclCommDestroy(comm_);
  } catch (const mpi::Failure&) {
    abort();   // the process is ending, and what was sent has arrived: there is nothing to tell
  }
}

void Communicator::group(const std::function<void()>& calls) {
  check(ncclGroupStart(), "ncclGroupStart");
  try {
    calls();
  } catch (...) {
    ncclGroupEnd();   // the group is the thread's: left open, it would swallow the abort that follows
    throw;
  }
  check(ncclGroupEnd(), "ncclGroupEnd");
  settle("ncclGroupEnd");   // until then nothing may be put onto the stream
}

void Communicator::send(const void* device, size_t bytes, int peer, cudaStream_t stream) { check(ncclSend(device, bytes, ncclUint8, peer, comm_, stream), "ncclSend", peer); }
void Communicator::receive(void* device, size_t bytes, int peer, cudaStream_t stream) { check(ncclRecv(device, bytes, ncclUint8, peer, comm_, stream), "ncclRecv", peer); }

void Communicator::look() {
  ncclResult_t state = ncclSuccess;
  check(ncclCommGetAsyncError(comm_, &state), "ncclCommGetAsyncError");
  check(state, "a message by NCCL");
}

void Communicator::abort() noexcept {
  if (comm_ != nullptr) ncclCommAbort(comm_);
  comm_ = nullptr;
}

void Communicator::settle(const char* call) {
  mpi::Rest rest;
  for (;;) {
    ncclResult_t state = ncclSuccess;
    check(ncclCommGetAsyncError(comm_, &state), "ncclCommGetAsyncError");
    if (state != ncclInProgress) return check(state, call);
    control_.abort_if_asked();
    rest.take();
  }
}

void Communicator::check(ncclResult_t result, const char* call, int peer) {
  if (result == ncclSuccess || result == ncclInProgress) return;
  std::string message = std::string(call) + (peer < 0 ? "" : ", with " + control_.place(peer)) + ": " + ncclGetErrorString(result);
  ncclResult_t earlier = ncclSuccess;   // after a failure that was not looked for yet, a call is only told that it is of no use
  const bool asked = comm_ != nullptr && ncclCommGetAsyncError(comm_, &earlier) == ncclSuccess;
  if (asked && earlier != ncclSuccess && earlier != ncclInProgress && earlier != result) message += std::string("; it had failed before: ") + ncclGetErrorString(earlier);
  const char* const detail = comm_ == nullptr ? nullptr : ncclGetLastError(comm_);
  if (detail != nullptr && *detail != '\0') message += std::string(" (") + detail + ")";
  throw mpi::Failure(message);
}
}  // namespace etalon::nccl
