// MPI as a transport. All of it on one thread: MPI_Init_thread, every call, MPI_Finalize.
#pragma once
#include <mpi.h>

#include <atomic>
#include <string>
#include <vector>

#include "mpi/transport.h"

namespace etalon::mpi {
class MpiTransport : public ProcessTransport {
 public:
  /** Begins MPI. @throws Failure */
  MpiTransport();
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void exchange(const char* what, const std::vector<Message>& sends, const std::vector<Message>& receives) override;
  /** Ends MPI: waits for the other ranks. */
  void finalise();

  int local_rank() const override { return local_rank_; }
  int local_size() const { return local_size_; }
  const std::vector<std::string>& hosts() const override { return hosts_; }
  Waiting& waiting() override { return waiting_; }

  /** Any thread: the next look of this one ends all ranks with MPI_Abort. */
  void ask_abort(int code) { abort_code_.store(code); }
  void abort_if_asked() override;

 private:
  void check(int status, const char* call, int peer = -1);
  [[noreturn]] void fail(const std::string& message);
  void name_hosts();

  MPI_Comm world_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1;
  std::vector<std::string> hosts_;
  Waiting waiting_;
  bool broken_ = false;   // after a failure messages may be under way into memory that is gone: nothing is sent or received any more
  std::atomic<int> abort_code_{0};
};

/** The library's name and version, on one line; allowed before MPI has begun. */
std::string mpi_library();
}  // namespace etalon::mpi
