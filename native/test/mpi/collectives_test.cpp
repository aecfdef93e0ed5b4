// The collectives over a transport of threads: against sums and copies written out, for odd sizes and numbers of ranks. Without MPI, so that the sanitizers see all of it.
#include "mpi/collectives.h"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "mpi/worker.h"

namespace {
using etalon::mpi::Failure;
using etalon::mpi::Message;

/** Where ranks that are threads leave their messages. */
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
    came_.wait(lock, [&] { return !waiting.empty(); });
    std::vector<uint8_t> letter = std::move(waiting.front());
    waiting.pop_front();
    return letter;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::map<std::pair<int, int>, std::deque<std::vector<uint8_t>>> letters_;
};

class ThreadTransport : public etalon::mpi::Transport {
 public:
  ThreadTransport(Post& post, int rank, int size) : post_(post), rank_(rank), size_(size) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void exchange(const char* what, const std::vector<Message>& sends, const std::vector<Message>& receives) override {
    for (const Message& message : sends) {
      post_.put(rank_, message.peer, message.data, message.bytes);
      sent += message.bytes;
    }
    for (const Message& message : receives) {
      const std::vector<uint8_t> letter = post_.take(message.peer, rank_);
      if (letter.size() != message.bytes) throw Failure(std::string(what) + ": another length");
      if (message.bytes > 0) std::memcpy(message.data, letter.data(), message.bytes);
    }
  }
  size_t sent = 0;

 private:
  Post& post_;
  int rank_, size_;
};

int failures = 0;
std::mutex telling;
void expect(bool holds, const char* what, int size, size_t count) {
  if (holds) return;
  const std::lock_guard<std::mutex> lock(telling);
  std::printf("FAILED: %s, %d ranks, %zu values\n", what, size, count);
  ++failures;
}

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

template <typename T>
void test_allreduce(int size, size_t count) {
  ranks(size, [&](ThreadTransport& transport) {
    std::vector<T> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = value<T>(transport.rank(), i);
    etalon::mpi::allreduce(transport, values.data(), count);
    bool same = true;
    for (size_t i = 0; i < count; ++i) {
      std::vector<T> each;
      for (int rank = 0; rank < size; ++rank) each.push_back(value<T>(rank, i));
      const T sum = tree(each);
      same = same && std::memcmp(&sum, &values[i], sizeof(T)) == 0;
    }
    expect(same, "allreduce has the tree's bits", size, count);
    if (count * sizeof(T) > 8192) {
      const size_t most = 2 * (count + static_cast<size_t>(size)) * sizeof(T);   // 2 (N - 1)/N of the bytes, and what shares do not divide
      expect(transport.sent <= most, "allreduce sends no more than twice the bytes", size, count);
    }
  });
}

void test_gather(int size, size_t unit) {
  ranks(size, [&](ThreadTransport& transport) {
    const auto length = [&](int rank) { return unit * static_cast<size_t>(rank); };
    const auto byte = [](int rank, size_t i) { return static_cast<uint8_t>(static_cast<size_t>(rank) * 31 + i); };
    std::vector<uint8_t> own(length(transport.rank()));
    for (size_t i = 0; i < own.size(); ++i) own[i] = byte(transport.rank(), i);
    const auto all = etalon::mpi::allgather(transport, own.data(), own.size());
    bool same = all.size() == static_cast<size_t>(size);
    for (int rank = 0; same && rank < size; ++rank) {
      const std::vector<uint8_t>& one = all[static_cast<size_t>(rank)];
      same = one.size() == length(rank);
      for (size_t i = 0; same && i < one.size(); ++i) same = one[i] == byte(rank, i);
    }
    expect(same, "allgather", size, unit);
    for (int root = 0; root < size; ++root) {
      std::vector<uint8_t> bytes(unit);
      for (size_t i = 0; i < unit; ++i) bytes[i] = transport.rank() == root ? byte(root, i) : 0;
      etalon::mpi::broadcast(transport, bytes.data(), unit, root);
      bool came = true;
      for (size_t i = 0; i < unit; ++i) came = came && bytes[i] == byte(root, i);
      expect(came, "broadcast", size, unit);
    }
    etalon::mpi::barrier(transport);
  });
}

void test_other_length() {
  std::atomic<int> refused{0};
  ranks(2, [&](ThreadTransport& transport) {
    std::vector<float> values(transport.rank() == 0 ? 10 : 11);
    try {
      etalon::mpi::allreduce(transport, values.data(), values.size());
    } catch (const Failure&) {
      ++refused;
    }
  });
  expect(refused == 2, "ranks of other lengths are refused", 2, 10);
}

void test_worker() {
  std::vector<int> order;
  {
    etalon::mpi::Worker worker;
    for (int i = 0; i < 1000; ++i) worker.submit([&order, i] { order.push_back(i); });
  }
  bool rising = order.size() == 1000;
  for (size_t i = 0; rising && i < order.size(); ++i) rising = order[i] == static_cast<int>(i);
  expect(rising, "the worker keeps the order, and ends what it was given", 1, 1000);
}
}  // namespace

int main() {
  for (int size : {1, 2, 3, 5, 8, 13})
    for (size_t count : {size_t{0}, size_t{5}, size_t{1024}, size_t{2049}, size_t{5003}}) {
      test_allreduce<float>(size, count);
      test_allreduce<double>(size, count);
    }
  for (int size : {1, 2, 3, 5, 8})
    for (size_t unit : {size_t{0}, size_t{1}, size_t{4088}, size_t{4089}, size_t{9001}}) test_gather(size, unit);
  test_other_length();
  test_worker();
  std::printf(failures == 0 ? "collectives: all hold\n" : "%d failures\n", failures);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
