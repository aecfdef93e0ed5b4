// Sockets between the ranks of one machine, each with each: they meet in a folder.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace etalon::standin {
/** A message that is under way to a peer, or from one. On the wire its length goes before it. */
struct Letter {
  bool sends;
  uint8_t* data;
  size_t bytes;
  int peer;
};

class Sockets {
 public:
  enum class Outcome { done, given_up, peer_gone, other_length };

  /** Meets the other ranks. @returns false: given up, or the folder is not there */
  bool join(const std::string& folder, int rank, int size, const std::atomic<bool>& give_up);
  /** Moves letters, all at once; those of one peer in their order. */
  Outcome carry(const std::vector<Letter>& letters, const std::atomic<bool>& give_up);
  void close();

 private:
  std::vector<int> peers_;   // a socket a rank; -1 for this one
};
}  // namespace etalon::standin
