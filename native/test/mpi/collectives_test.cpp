// The collectives over a transport of threads: against sums and copies written out, for odd sizes and numbers of ranks. Without MPI, so that the sanitizers see all of it.
#include "mpi/collectives.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "mpi/worker.h"
#include "thread_transport.h"

namespace {
using namespace etalon::test;
using etalon::mpi::Failure;

int failures = 0;
std::mutex telling;
void expect(bool holds, const char* what, int size, size_t count) {
  if (holds) return;
  const std::lock_guard<std::mutex> lock(telling);
  std::printf("FAILED: %s, %d ranks, %zu values\n", what, size, count);
  ++failures;
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
