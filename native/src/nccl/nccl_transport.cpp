#include "nccl/nccl_transport.h"

#include <algorithm>
#include <cstring>

#include "mpi/agreement.h"
#include "mpi/rest.h"

namespace etalon::nccl {
namespace {
using mpi::Message;

/** Pieces begin at whole lines of the GPU's memory. */
constexpr size_t line = 256;
size_t whole_lines(size_t bytes) { return (bytes + line - 1) / line * line; }

/** What a round takes of a message; no bytes where the message has ended before. */
struct Piece {
  uint8_t* data;
  size_t bytes;
};
Piece piece_of(const Message& message, size_t round, size_t piece) {
  const size_t begin = std::min(message.bytes, round * piece);
  return {static_cast<uint8_t*>(message.data) + begin, std::min(piece, message.bytes - begin)};
}

/** Calls `visit(message, piece, its place in the lane's memory)` for the pieces of a round. @returns the bytes that they take there */
template <typename Visit>
size_t each_piece(const std::vector<Message>& messages, size_t round, size_t piece, Visit visit) {
  size_t at = 0;
  for (const Message& message : messages) {
    const Piece part = piece_of(message, round, piece);
    if (part.bytes == 0) continue;
    visit(message, part, at);
    at += whole_lines(part.bytes);
  }
  return at;
}
constexpr auto nothing = [](const Message&, const Piece&, size_t) {};
}  // namespace

NcclTransport::NcclTransport(mpi::ProcessTransport& control, const Options& options)
    : control_(control), least_(options.least), piece_(std::max(line, options.staging / static_cast<size_t>(std::max(1, control.size() - 1)) / line * line)) {
  std::string problem;
  try {
    stream_ = std::make_unique<Stream>();
    for (auto& lane : lanes_) lane = std::make_unique<Lane>();
  } catch (const mpi::Failure& failure) {
    problem = failure.what();
  }
  mpi::agree(control, problem);
  control.waiting().begin("the start of NCCL");
  try {
    communicator_ = std::make_unique<Communicator>(control);
  } catch (const mpi::Refusal&) {
    control.waiting().end();
    throw;
  } catch (const mpi::Failure& error) {
    control.waiting().end();
    throw mpi::Failure(failure("the start of NCCL", error.what()));
  }
  control.waiting().end();
  greet();
}

NcclTransport::~NcclTransport() = default;   // the communicator first, then what its messages passed through

void NcclTransport::exchange(const char* what, const Messages& sends, const Messages& receives) {
  if (broken_) throw mpi::Failure(failure(what, "a call before it failed"));
  Messages long_sends, long_receives;
  std::vector<uint64_t> lengths;
  lengths.reserve(sends.size() + receives.size());   // pointers into it are handed out
  const auto by_control = [&](const Messages& messages, Messages& long_ones, bool incoming) {
    Messages short_ones;
    for (const Message& message : messages) {
      short_ones.push_back(message);
      if (message.bytes < least_) continue;
      long_ones.push_back(message);
      lengths.push_back(incoming ? 0 : message.bytes);
      short_ones.back() = {message.peer, &lengths.back(), sizeof(uint64_t)};
    }
    return short_ones;
  };
  const Messages control_sends = by_control(sends, long_sends, false), control_receives = by_control(receives, long_receives, true);
  control_.exchange(what, control_sends, control_receives);
  for (size_t i = 0; i < long_receives.size(); ++i) {
    const uint64_t sent = lengths[long_sends.size() + i];
    if (sent == long_receives[i].bytes) continue;
    broken_ = true;
    throw mpi::Failure(std::string(what) + ": rank " + std::to_string(long_receives[i].peer) + " sent " + std::to_string(sent) + " bytes, rank " + std::to_string(rank()) + " expects " +
                       std::to_string(long_receives[i].bytes));
  }
  if (long_sends.empty() && long_receives.empty()) return;

  std::vector<int> peers;
  for (const Messages& messages : {long_sends, long_receives})
    for (const Message& message : messages) peers.push_back(message.peer);
  control_.waiting().begin(what);
  control_.waiting().ranks(std::move(peers));
  try {
    carry(long_sends, long_receives);
  } catch (const mpi::Failure& error) {
    broken_ = true;
    control_.waiting().end();
    communicator_->abort();
    throw mpi::Failure(failure(what, error.what()));
  }
  control_.waiting().end();
}

void NcclTransport::carry(const Messages& sends, const Messages& receives) {
  size_t longest = 0;
  for (const Messages& messages : {sends, receives})
    for (const Message& message : messages) longest = std::max(longest, message.bytes);
  const size_t rounds = (longest + piece_ - 1) / piece_;
  // The first round has the most bytes. All memory is had before anything is under way.
  for (auto& lane : lanes_) {
    lane->outgoing.reserve(each_piece(sends, 0, piece_, nothing));
    lane->incoming.reserve(each_piece(receives, 0, piece_, nothing));
    if (rounds == 1) break;
  }
  for (size_t round = 0; round < rounds; ++round) {
    if (round >= 2) land(*lanes_[round % 2], round - 2, receives);
    launch(*lanes_[round % 2], round, sends, receives);
  }
  for (size_t round = rounds < 2 ? 0 : rounds - 2; round < rounds; ++round) land(*lanes_[round % 2], round, receives);
}

void NcclTransport::launch(Lane& lane, size_t round, const Messages& sends, const Messages& receives) {
  const size_t out = each_piece(sends, round, piece_, [&](const Message&, const Piece& part, size_t at) { std::memcpy(lane.outgoing.host() + at, part.data, part.bytes); });
  if (out > 0) check_cuda(cudaMemcpyAsync(lane.outgoing.device(), lane.outgoing.host(), out, cudaMemcpyHostToDevice, *stream_), "cudaMemcpyAsync to the GPU");
  size_t in = 0;
  communicator_->group([&] {
    each_piece(sends, round, piece_, [&](const Message& message, const Piece& part, size_t at) { communicator_->send(lane.outgoing.device() + at, part.bytes, message.peer, *stream_); });
    in = each_piece(receives, round, piece_, [&](const Message& message, const Piece& part, size_t at) { communicator_->receive(lane.incoming.device() + at, part.bytes, message.peer, *stream_); });
  });
  if (in > 0) check_cuda(cudaMemcpyAsync(lane.incoming.host(), lane.incoming.device(), in, cudaMemcpyDeviceToHost, *stream_), "cudaMemcpyAsync to the host");
  lane.mark(*stream_);
}

void NcclTransport::land(Lane& lane, size_t round, const Messages& receives) {
  for (mpi::Rest rest; !lane.is_done(); rest.take()) {
    communicator_->look();
    control_.abort_if_asked();
  }
  each_piece(receives, round, piece_, [&](const Message&, const Piece& part, size_t at) { std::memcpy(part.data, lane.incoming.host() + at, part.bytes); });
}

void NcclTransport::greet() {
  const size_t bytes = std::max(least_, sizeof(int));
  std::vector<std::vector<uint8_t>> greetings(static_cast<size_t>(size()), std::vector<uint8_t>(bytes));
  Messages sends, receives;
  std::fill(greetings[static_cast<size_t>(rank())].begin(), greetings[static_cast<size_t>(rank())].end(), static_cast<uint8_t>(rank() + 1));
  for (int peer = 0; peer < size(); ++peer) {
    if (peer == rank()) continue;
    sends.push_back({peer, greetings[static_cast<size_t>(rank())].data(), bytes});
    receives.push_back({peer, greetings[static_cast<size_t>(peer)].data(), bytes});
  }
  exchange("the first message by NCCL", sends, receives);
  for (int peer = 0; peer < size(); ++peer)
    for (const uint8_t byte : greetings[static_cast<size_t>(peer)])
      if (byte != static_cast<uint8_t>(peer + 1)) throw mpi::Failure(failure("the first message by NCCL", ("what came from " + control_.place(peer) + " is not what it sent").c_str()));
}

std::string NcclTransport::failure(const char* what, const char* why) const { return std::string(what) + " on " + control_.place(rank()) + ": " + why; }
}  // namespace etalon::nccl
