// The NCCL path over stand-ins of NCCL and CUDA (standin/): the bits of its sums are those of the transport it stands on, for lengths around its pieces; what fails says so, on all ranks, and nobody
// is left waiting. Ranks are threads here, so that the sanitizers see all of it; test/mpi/nccl.test.ts does the same with processes.
#include "nccl/nccl_transport.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "mpi/collectives.h"
#include "mpi/thread_transport.h"
#include "nccl/module.h"
#include "standin.h"

namespace {
using namespace etalon::test;
using etalon::mpi::Failure;
using etalon::mpi::Transport;
using etalon::nccl::Options;

constexpr Options all_by_nccl{1, 4096};   // pieces of 4096, 2048 and 1280 bytes for 2, 3 and 4 ranks

int failures = 0;
std::mutex telling;
void expect(bool holds, const std::string& what) {
  const std::lock_guard<std::mutex> lock(telling);
  if (!holds) std::printf("FAILED: %s\n", what.c_str());
  failures += !holds;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/** Opens NCCL on each rank, as the addon does; a rank that cannot leaves. */
void nccl_ranks(int size, const Options& options, const std::function<void(ThreadTransport&, Transport&)>& act) {
  ranks(size, [&](ThreadTransport& control) {
    etalon::nccl::Opened opened;
    etalon_nccl_open(control, options, opened);
    expect(opened.transport != nullptr, "NCCL opens: " + opened.failure);
    if (!opened.transport) return control.leave();
    expect(has(opened.about, "NCCL 2.") && has(opened.about, ", GPU " + std::to_string(control.rank()) + " (0000:"), "it says what it is: " + opened.about);
    act(control, *opened.transport);
  });
}

template <typename T>
std::vector<T> values_of(int rank, size_t count) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = value<T>(rank, i);
  return values;
}

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) { return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0); }

/** Sums by NCCL, by the transport under it, and by the tree written out. */
template <typename T>
void test_sum(ThreadTransport& control, Transport& nccl, size_t count) {
  const std::vector<T> own = values_of<T>(control.rank(), count);
  std::vector<T> by_nccl = own, by_control = own, by_tree(count);
  etalon::mpi::allreduce(nccl, by_nccl.data(), count);
  etalon::mpi::allreduce(control, by_control.data(), count);
  for (size_t i = 0; i < count; ++i) {
    std::vector<T> each;
    for (int rank = 0; rank < control.size(); ++rank) each.push_back(value<T>(rank, i));
    by_tree[i] = tree(each);
  }
  const std::string what = std::to_string(count) + " values of " + std::to_string(sizeof(T)) + " bytes, " + std::to_string(control.size()) + " ranks";
  expect(same_bits(by_nccl, by_control), "NCCL's transport gives the bits of the one it stands on: " + what);
  expect(same_bits(by_nccl, by_tree), "NCCL's transport gives the tree's bits: " + what);
}

void test_bytes(ThreadTransport& control, Transport& nccl, size_t unit) {
  const auto byte = [](int rank, size_t i) { return static_cast<uint8_t>(static_cast<size_t>(rank) * 31 + i * 7); };
  const auto bytes_of = [&](int rank, size_t count) {
    std::vector<uint8_t> bytes(count);
    for (size_t i = 0; i < count; ++i) bytes[i] = byte(rank, i);
    return bytes;
  };
  const std::vector<uint8_t> own = bytes_of(control.rank(), unit * static_cast<size_t>(control.rank()));
  const auto all = etalon::mpi::allgather(nccl, own.data(), own.size());
  for (int rank = 0; rank < control.size(); ++rank) expect(same_bits(all[static_cast<size_t>(rank)], bytes_of(rank, unit * static_cast<size_t>(rank))), "a gather");
  const int root = control.size() - 1;
  std::vector<uint8_t> bytes = bytes_of(control.rank(), unit);
  etalon::mpi::broadcast(nccl, bytes.data(), unit, root);
  expect(same_bits(bytes, bytes_of(root, unit)), "a broadcast");
  etalon::mpi::barrier(nccl);
}

void test_collectives() {
  for (const int size : {2, 3, 4})
    nccl_ranks(size, all_by_nccl, [](ThreadTransport& control, Transport& nccl) {
      for (const size_t count : {0, 1, 5, 1023, 2049, 4096, 4099, 20011}) {   // one transport for all: its memory grows, and is used again
        test_sum<float>(control, nccl, count);
        test_sum<double>(control, nccl, count);
      }
      for (const size_t unit : {0, 1, 4088, 4089, 30001}) test_bytes(control, nccl, unit);
    });
}

/** What goes by which: long messages by NCCL, the others and the lengths of all by the transport under it. */
void test_shares() {
  const auto bytes_by_nccl = [](size_t count) {
    size_t before = 0;
    nccl_ranks(2, Options{}, [&](ThreadTransport& control, Transport& nccl) {
      etalon::mpi::barrier(control);   // both have greeted
      if (control.rank() == 0) before = etalon::standin::bytes_sent.load();
      etalon::mpi::barrier(control);
      std::vector<float> values(count);
      etalon::mpi::allreduce(nccl, values.data(), count);
    });
    return etalon::standin::bytes_sent - before;
  };
  expect(bytes_by_nccl(1000) == 0, "a short array goes by the transport under it");
  expect(bytes_by_nccl(100'000) == 2 * 400'000, "a long one goes by NCCL, each share once there and once back");
}

/** Opens on all ranks where something is wrong. @returns each rank's failure */
std::vector<std::string> refusals(int size) {
  std::vector<std::string> texts(static_cast<size_t>(size));
  ranks(size, [&](ThreadTransport& control) {
    etalon::nccl::Opened opened;
    etalon_nccl_open(control, Options{}, opened);
    expect(!opened.transport && opened.agreed, "all ranks know that all are refused");
    texts[static_cast<size_t>(control.rank())] = opened.failure;
  });
  return texts;
}

void test_refusals() {
  setenv("ETALON_STANDIN_GPUS", "0", 1);
  for (const std::string& text : refusals(3)) expect(text == "rank 0 on here and 2 more: CUDA finds no GPU: no CUDA-capable device is detected", "without a GPU: " + text);
  setenv("ETALON_STANDIN_GPUS", "2", 1);   // local rank modulo devices
  for (const std::string& text : refusals(3)) expect(text == "ranks 0 and 2 on here both have the GPU at 0000:01:00.0, and NCCL needs one a rank", "two ranks on a GPU: " + text);
  unsetenv("ETALON_STANDIN_GPUS");
}

const std::string gone = ": remote process exited or there was a network error (the stand-in of NCCL)";

/** A sum that fails: each rank's failure, and that of its next call. The first failure makes its rank leave, as one does that ends its process. @param or_gone  a rank may as well be told that another left, where that comes first */
void test_fault(const char* fault, int size, size_t count, const std::vector<std::string>& parts, bool or_gone = false) {
  setenv("ETALON_STANDIN_FAULT", fault, 1);
  std::atomic<int> as_expected = 0;
  nccl_ranks(size, all_by_nccl, [&](ThreadTransport& control, Transport& nccl) {
    if (has(fault, "stuck")) control.patience = 300;
    std::vector<float> values(count);
    const auto failure_of = [&] {
      try {
        etalon::mpi::allreduce(nccl, values.data(), count);
      } catch (const Failure& failure) {
        control.leave();
        return std::string(failure.what());
      }
      return std::string();
    };
    const std::string first = failure_of(), place = " on rank " + std::to_string(control.rank()) + " on here: ";
    const std::string& part = parts[static_cast<size_t>(control.rank())];
    const bool told = has(first, part) || (or_gone && has(first, gone));
    expect(has(first, "allreduce" + place) && told, std::string(fault) + ": " + first + " has: " + part);
    if (has(first, part)) ++as_expected;
    expect(failure_of() == "allreduce" + place + "a call before it failed", std::string(fault) + ": nothing is sent after a failure");
    expect(control.waiting().now().seconds == 0, "nothing is waited for after a failure");
  });
  expect(as_expected > 0, std::string(fault) + ": some rank fails by itself");
  unsetenv("ETALON_STANDIN_FAULT");
}

void test_faults() {
  test_fault("send:1:2", 2, 5000, {gone, "ncclSend, with rank 0 on here: unhandled system error (the stand-in of NCCL)"});
  test_fault("async:1:2", 2, 5000, {gone, gone});
  test_fault("async:0:4", 3, 9001, {gone, gone, gone});   // in a later round, with another under way
  test_fault("stuck:0:2", 2, 5000, {"ended, as was asked", "ended, as was asked"}, true);
}

void test_other_length() {
  nccl_ranks(2, all_by_nccl, [](ThreadTransport& control, Transport& nccl) {
    std::vector<float> values(control.rank() == 0 ? 5000 : 5002);
    std::string text;
    try {
      etalon::mpi::allreduce(nccl, values.data(), values.size());
    } catch (const Failure& failure) {
      text = failure.what();
    }
    expect(text == (control.rank() == 0 ? "allreduce: rank 1 sent 10004 bytes, rank 0 expects 10000" : "allreduce: rank 0 sent 10000 bytes, rank 1 expects 10004"), "another length: " + text);
  });
}
}  // namespace

int main() {
  test_collectives();
  test_shares();
  test_refusals();
  test_faults();
  test_other_length();
  std::string versions;
  etalon_nccl_versions(versions);
  expect(versions == "NCCL 2.14.0, CUDA 0.0", "versions: " + versions);
  std::printf(failures == 0 ? "the NCCL path: all holds\n" : "%d failures\n", failures);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
