// What collectives are made of: messages between ranks. MPI carries them (mpi_transport), or, for tests, the threads of one process.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

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
}  // namespace etalon::mpi
