// The ranks of this process, and what carries their messages. All of it on the communication thread, but what says otherwise.
#pragma once
#include <memory>
#include <string>

#include "mpi/mpi_transport.h"

namespace etalon::mpi {
class Ranks {
 public:
  /** Begins MPI. @throws Failure */
  Ranks() = default;

  /**
   * Lets NCCL carry long messages from here on. All ranks call it.
   * @param library  etalon_nccl.so's path    @returns version and GPU, in words    @throws Refusal: one rank cannot, so none does, and MPI goes on carrying all; Failure: NCCL failed on this rank
   */
  std::string use_nccl(const std::string& library);
  /** Ends what carries the messages: waits for the other ranks. */
  void finalise();

  MpiTransport& mpi() { return mpi_; }
  /** What collectives go by. */
  Transport& carrier() { return nccl_ ? *nccl_ : mpi_; }

 private:
  MpiTransport mpi_;
  std::unique_ptr<Transport> nccl_;
};

/** Versions of NCCL and of CUDA's runtime in a library, "NCCL 2.30.7, CUDA 13.0". Any thread; needs neither MPI nor a GPU. @throws Failure: it does not load */
std::string nccl_versions(const std::string& library);
}  // namespace etalon::mpi
