// etalon_nccl.so: NCCL as what carries long messages. A library of its own, loaded by the MPI addon where ETALON_TRANSPORT asks for it: a process that does not ask needs neither CUDA nor NCCL.
// Addon and library come out of one build. No exception leaves the function below, since which class it has is not told alike across libraries everywhere.
#pragma once
#include <memory>
#include <string>

#include "mpi/transport.h"

namespace etalon::nccl {
struct Options {
  size_t least = size_t{64} << 10;     // bytes of the shortest message that goes by NCCL: below it a message costs its start, not its bytes. A guess: nothing was measured
  size_t staging = size_t{8} << 20;    // bytes of pinned memory for what is sent in one round, and as much for what is received; there are two rounds at a time
};

/** What came of opening. */
struct Opened {
  std::unique_ptr<mpi::Transport> transport;
  std::string about;     // "NCCL 2.30.7, GPU 0 (0000:3B:00.0)"
  std::string failure;   // why there is no transport
  bool agreed = false;   // all ranks have this failure
};

using OpenFunction = void(mpi::ProcessTransport& control, const Options& options, Opened& opened);
using VersionsFunction = void(std::string& versions);
}  // namespace etalon::nccl

extern "C" {
#pragma GCC visibility push(default)
/** All ranks call it, on the communication thread. The transport stands on `control`, which must outlive it. */
etalon::nccl::OpenFunction etalon_nccl_open;
/** "NCCL 2.30.7, CUDA 13.0": of the libraries themselves. Needs no GPU. */
etalon::nccl::VersionsFunction etalon_nccl_versions;
#pragma GCC visibility pop
}
