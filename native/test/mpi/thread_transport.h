// Ranks that are threads of one process, and sums written out: for tests of what stands on messages.
#pragma once
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "mpi/transport.h"

namespace etalon::test {
/** Where the ranks leave their messages. */
class Post {
 public:
  void put(int from, int to, const void* data, size_t bytes) {
    const auto* at = static_cast<const uint8_t*>(data);
    const std::lock_guard<std::mutex> lock(mutex_);
    letters_[{from, to}].emplace_back(at, at + bytes);
    came_.notify_all();
  }
  std::vector<uint8_t> take(int from, int to) {
    std::unique_lock<std::mutex> lock(mutex_);
    auto& waiting = letters_[{from, to}];
    came_.wait(lock, [&] { return closed_ || !waiting.empty(); });
    if (waiting.empty()) throw mpi::Failure("rank " + std::to_string(from) + " is gone");
    std::vector<uint8_t> letter = std::move(waiting.front());
    waiting.pop_front();
    return letter;
  }
  /** Nothing comes any more. */
  void close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    came_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::map<std::pair<int, int>, std::deque<std::vector<uint8_t>>> letters_;
  bool closed_ = false;
};

class ThreadTransport : public mpi::ProcessTransport {
 public:
  ThreadTransport(Post& post, int rank, int size) : post_(post), rank_(rank), size_(size), hosts_(static_cast<size_t>(size), "here") {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return rank_; }
  const std::vector<std::string>& hosts() const override { return hosts_; }
  mpi::Waiting& waiting() override { return waiting_; }
  void abort_if_asked() override {
    if (patience > 0 && --patience == 0) throw mpi::Failure("ended, as was asked");
  }
  void exchange(const char* what, const std::vector<mpi::Message>& sends, const std::vector<mpi::Message>& receives) override {
    for (const mpi::Message& message : sends) {
      post_.put(rank_, message.peer, message.data, message.bytes);
      sent += message.bytes;
    }
    for (const mpi::Message& message : receives) {
      const std::vector<uint8_t> letter = post_.take(message.peer, rank_);
      if (letter.size() != message.bytes) throw mpi::Failure(std::string(what) + ": another length");
      if (message.bytes > 0) std::memcpy(message.data, letter.data(), message.bytes);
    }
  }
  /** This rank is gone, and takes the others with it. */
  void leave() { post_.close(); }

  size_t sent = 0;
  int patience = 0;   // looks of a waiting rank until it is asked to end; 0: it is not

 private:
  Post& post_;
  int rank_, size_;
  std::vector<std::string> hosts_;
  mpi::Waiting waiting_;
};

/** Runs `act(transport)` on so many ranks. */
template <typename Act>
void ranks(int size, Act act) {
  Post post;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      ThreadTransport transport(post, rank, size);
      act(transport);
    });
  for (std::thread& thread : threads) thread.join();
}

/** A number of rank and place whose sum depends on the order of adding. */
template <typename T>
T value(int rank, size_t i) {
  return static_cast<T>((i % 7 == 0 ? 1e6 : 1.0) / (static_cast<double>(rank) * 3 + static_cast<double>(i % 1013) + 0.7) * (rank % 2 ? -1 : 1));
}

/** The tree as docs/parallel.md says it: neighbours first, what has none waits. */
template <typename T>
T tree(std::vector<T> level) {
  while (level.size() > 1) {
    std::vector<T> next;
    for (size_t i = 0; i < level.size(); i += 2) next.push_back(i + 1 < level.size() ? level[i] + level[i + 1] : level[i]);
    level = next;
  }
  return level[0];
}
}  // namespace etalon::test
