// What collectives are made of: messages between ranks. MPI carries them (mpi_transport), NCCL the long ones where that was asked for (src/nccl), or, for tests, the threads of one process.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "mpi/waiting.h"

namespace etalon::mpi {
/** A call that cannot be finished: says which, and which rank it is about. */
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Message {
  int peer;
  void* data;   // of a message that is sent it is only read
  size_t bytes;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /**
   * Sends and receives, all at once; returns when all is done. Messages between two ranks arrive in the order they were sent in.
   * @param what  the call's name, for failures    @throws Failure: a rank is gone, or sent another length than is received
   */
  virtual void exchange(const char* what, const std::vector<Message>& sends, const std::vector<Message>& receives) = 0;
};

/** A transport whose ranks are processes: their machines are known, a wait can be watched, and one can end them all. */
class ProcessTransport : public Transport {
 public:
  /** This rank among those of its machine. */
  virtual int local_rank() const = 0;
  /** The machine of each rank. */
  virtual const std::vector<std::string>& hosts() const = 0;
  /** What this rank waits for: told by whoever waits. */
  virtual Waiting& waiting() = 0;
  /** Called by whoever waits, again and again: ends all ranks where another thread of this one has asked for that. */
  virtual void abort_if_asked() = 0;

  /** A rank and its machine, in words. */
  std::string place(int rank) const {
    const auto at = static_cast<size_t>(rank);
    return "rank " + std::to_string(rank) + (at < hosts().size() ? " on " + hosts()[at] : "");
  }
};
}  // namespace etalon::mpi
