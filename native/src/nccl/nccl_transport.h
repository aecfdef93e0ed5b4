// NCCL as a transport of long messages, from the host's memory to the host's. NCCL's sums have an order of their own, so only its ncclSend and ncclRecv are used: the collectives over them are
// the ones that MPI carries, and every sum has the same bits. docs/parallel.md
#pragma once
#include <array>
#include <memory>

#include "mpi/transport.h"
#include "nccl/communicator.h"
#include "nccl/module.h"
#include "nccl/staging.h"

namespace etalon::nccl {
class NcclTransport : public mpi::Transport {
 public:
  /** All ranks, on the communication thread, each with its GPU the thread's current one. Sends a message to every rank and back, so that what does not work shows here. @throws Refusal, Failure */
  NcclTransport(mpi::ProcessTransport& control, const Options& options);
  ~NcclTransport() override;
  int rank() const override { return control_.rank(); }
  int size() const override { return control_.size(); }
  /**
   * Short messages go by `control`, and so does the length of each long one: that both ends agree is known before a GPU waits for the other, and a rank that is late or gone is waited for where it
   * can be named. Long ones go in rounds of a piece each; while the GPU carries one round, the host copies the next in and the last one out.
   */
  void exchange(const char* what, const std::vector<mpi::Message>& sends, const std::vector<mpi::Message>& receives) override;

 private:
  using Messages = std::vector<mpi::Message>;
  void carry(const Messages& sends, const Messages& receives);
  void launch(Lane& lane, size_t round, const Messages& sends, const Messages& receives);
  void land(Lane& lane, size_t round, const Messages& receives);
  void greet();
  std::string failure(const char* what, const char* why) const;

  mpi::ProcessTransport& control_;
  size_t least_;
  size_t piece_;          // bytes of a message in one round: the same on both ends, since it follows from the number of ranks
  bool broken_ = false;   // after a failure: messages may be under way that nobody takes
  std::unique_ptr<Stream> stream_;
  std::array<std::unique_ptr<Lane>, 2> lanes_;
  std::unique_ptr<Communicator> communicator_;
};
}  // namespace etalon::nccl
