// A stand-in for the few functions of NCCL that src/nccl calls: messages between threads or processes of one machine, by sockets. For tests on machines without NCCL.
// Names, types and values as NVIDIA's documentation gives them (NCCL API: Communicator Creation and Management, Point To Point Communication, Group Calls, Types). Where NCCL's own header is
// found, test/CMakeLists.txt compiles standin/nccl.cpp with it in this one's place, so that a signature which differs does not compile.
#pragma once
#include <cuda_runtime.h>

#include <climits>

#define NCCL_VERSION(X, Y, Z) ((X) * 10000 + (Y) * 100 + (Z))   // since 2.9
#define NCCL_VERSION_CODE NCCL_VERSION(2, 14, 0)

using ncclComm_t = struct ncclComm*;
#define NCCL_UNIQUE_ID_BYTES 128
struct ncclUniqueId { char internal[NCCL_UNIQUE_ID_BYTES]; };

enum ncclResult_t {
  ncclSuccess = 0, ncclUnhandledCudaError = 1, ncclSystemError = 2, ncclInternalError = 3, ncclInvalidArgument = 4, ncclInvalidUsage = 5, ncclRemoteError = 6, ncclInProgress = 7
};
enum ncclDataType_t { ncclInt8 = 0, ncclUint8 = 1 };

struct ncclConfig_t { int blocking; };
#define NCCL_CONFIG_INITIALIZER { INT_MIN }   // NCCL's way to say: not set

extern "C" {
ncclResult_t ncclGetVersion(int* version);
ncclResult_t ncclGetUniqueId(ncclUniqueId* id);
ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank, ncclConfig_t* config);
ncclResult_t ncclCommFinalize(ncclComm_t comm);
ncclResult_t ncclCommDestroy(ncclComm_t comm);
ncclResult_t ncclCommAbort(ncclComm_t comm);
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state);
const char* ncclGetErrorString(ncclResult_t result);
const char* ncclGetLastError(ncclComm_t comm);
ncclResult_t ncclGroupStart();
ncclResult_t ncclGroupEnd();
ncclResult_t ncclSend(const void* data, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream);
ncclResult_t ncclRecv(void* data, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream);
}
