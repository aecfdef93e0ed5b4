// Communicators that never block, groups of sends and receives, and the rules of NCCL's documentation that a test should see broken: a call while another is in progress, memory that is not the
// GPU's, work put onto a stream before the group has settled.
#include <nccl.h>

#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "sockets.h"
#include "standin.h"

using namespace etalon::standin;

namespace {
/** What a test asked for, by ETALON_STANDIN_FAULT. */
struct Fault {
  std::string what;
  int rank = -1, at = 0;

  static Fault asked() {
    Fault fault;
    char what[16] = {};
    const char* const text = std::getenv("ETALON_STANDIN_FAULT");
    if (text != nullptr && std::sscanf(text, "%15[a-z]:%d:%d", what, &fault.rank, &fault.at) == 3) fault.what = what;
    return fault;
  }
};
}  // namespace

/** A rank of a communicator. */
struct ncclComm {
  int rank = 0, size = 1;
  Sockets sockets;
  std::thread joining;
  std::atomic<ncclResult_t> state{ncclInProgress};
  std::atomic<bool> aborted{false};
  std::atomic<int> under_way{0};   // groups on the stream
  int looks = 0;                   // that the last call is still in progress for
  int sends = 0, groups = 0;
  Fault fault = Fault::asked();

  bool is_due(const char* what, int at) const { return fault.what == what && fault.rank == rank && fault.at == at; }

  /** A group on the stream. After a failure it never ends, as a kernel that waits for its peer, until it is aborted. */
  void run(const std::vector<Letter>& letters, int group) {
    if (is_due("slow", group)) std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    if (is_due("async", group)) {
      state = ncclRemoteError;
    } else if (!is_due("stuck", group)) {
      const Sockets::Outcome outcome = sockets.carry(letters, aborted);
      if (outcome == Sockets::Outcome::done) return;
      if (outcome == Sockets::Outcome::peer_gone) state = ncclRemoteError;
      if (outcome == Sockets::Outcome::other_length) state = ncclInvalidUsage;
    }
    while (!aborted) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  /** Ends threads and sockets; deletes this. */
  void end() {
    while (under_way > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    joining.join();
    sockets.close();
    is_settling = false;
    delete this;
  }
};

namespace {
/** The open group of this thread. */
struct Group {
  int depth = 0;
  ncclComm* comm = nullptr;
  cudaStream_t stream = nullptr;
  std::vector<Letter> letters;
  ncclResult_t failure = ncclSuccess;
};
thread_local Group group;

ncclResult_t add(const Letter& letter, ncclDataType_t type, ncclComm* comm, cudaStream_t stream) {
  const auto refuse = [](ncclResult_t why) { return group.failure = why; };
  if (comm->looks > 0 || comm->state != ncclSuccess || group.depth == 0) return refuse(ncclInvalidUsage);
  if (type != ncclUint8 || letter.peer < 0 || letter.peer >= comm->size || letter.peer == comm->rank || !is_device_memory(letter.data, letter.bytes)) return refuse(ncclInvalidArgument);
  if (letter.sends) {
    ++comm->sends;
    if (comm->is_due("die", comm->sends)) ::raise(SIGKILL);
    if (comm->is_due("send", comm->sends)) return refuse(ncclSystemError);
    bytes_sent += letter.bytes;
  }
  group.comm = comm;
  group.stream = stream;
  group.letters.push_back(letter);
  return ncclSuccess;
}
}  // namespace

extern "C" {
ncclResult_t ncclGetVersion(int* version) {
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  std::memset(id, 0, sizeof *id);
  std::strcpy(id->internal, "/tmp/etalon-nccl-XXXXXX");
  return ::mkdtemp(id->internal) == nullptr ? ncclSystemError : ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank, ncclConfig_t* config) {
  if (config == nullptr || config->blocking != 0) return ncclInvalidArgument;   // another would not be the path that is tested
  auto* const made = *comm = new ncclComm;
  made->rank = rank;
  made->size = ranks;
  made->joining = std::thread([made, folder = std::string(id.internal)] {
    const bool joined = made->sockets.join(folder, made->rank, made->size, made->aborted);
    made->state = joined && !made->is_due("init", 1) ? ncclSuccess : ncclSystemError;
  });
  return ncclInProgress;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  comm->looks = 2;
  return ncclInProgress;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  comm->end();
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  comm->aborted = true;
  comm->end();
  return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  *state = comm->looks > 0 && comm->state == ncclSuccess ? ncclInProgress : comm->state.load();
  if (comm->looks > 0) --comm->looks;
  if (*state != ncclInProgress) is_settling = false;
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess: return "no error";
    case ncclSystemError: return "unhandled system error";
    case ncclInvalidArgument: return "invalid argument";
    case ncclInvalidUsage: return "invalid usage";
    case ncclRemoteError: return "remote process exited or there was a network error";
    case ncclInProgress: return "NCCL operation in progress";
    default: return "unknown result code";
  }
}

const char* ncclGetLastError(ncclComm_t) { return "the stand-in of NCCL"; }

ncclResult_t ncclGroupStart() {
  if (group.depth++ == 0) {
    group.letters.clear();
    group.failure = ncclSuccess;
  }
  return ncclSuccess;
}

ncclResult_t ncclGroupEnd() {
  if (--group.depth > 0) return ncclSuccess;
  if (group.failure != ncclSuccess) return group.failure;
  ncclComm* const comm = group.comm;
  ++comm->under_way;
  enqueue(group.stream, [comm, letters = std::move(group.letters), number = ++comm->groups] {
    comm->run(letters, number);
    --comm->under_way;
  });
  comm->looks = 2;
  is_settling = true;
  return ncclInProgress;
}

ncclResult_t ncclSend(const void* data, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream) {
  return add({true, static_cast<uint8_t*>(const_cast<void*>(data)), count, peer}, type, comm, stream);
}

ncclResult_t ncclRecv(void* data, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream) {
  return add({false, static_cast<uint8_t*>(data), count, peer}, type, comm, stream);
}
}
