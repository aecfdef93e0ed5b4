// Does the launch emulation catch what it says it catches? Each faulty kernel stands beside its right form. Compiled with -include cuda_emulation.h.
//   emulation_test              all but bounds
//   emulation_test bounds       runs a kernel without its bounds check: must die under AddressSanitizer
//   emulation_test shared       likewise, past the end of a shared array
#include <cmath>
#include <cstdio>
#include <numeric>

using namespace etalon::emulation;

namespace {
constexpr unsigned kThreads = 64;
int failures = 0;

void expect(bool holds, const char* what) {
  std::printf("%s %s\n", holds ? "ok  " : "FAIL", what);
  failures += !holds;
}

template <typename Run>
std::string faultOf(Run run) {
  try { run(); } catch (const Fault& fault) { return fault.what(); }
  return "";
}
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// ---- kernels: the right form and the faulty ones
enum class Fault_ { none, missingBarrier, divergentBarrier, barrierInHalf, wrongMask, callerNotInMask, missingBounds, sharedOverrun };

template <Fault_ fault>
__global__ void total(const float* x, int n, float* out) {
  ETALON_SHARED(float, partial, kThreads / 32);
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  float sum = fault == Fault_::missingBounds || i < n ? x[i] : 0.0f;
  const unsigned mask = fault == Fault_::wrongMask ? (threadIdx.x < 48 ? 0xffffffffu : 0x0000ffffu)
                        : fault == Fault_::callerNotInMask && threadIdx.x == 40 ? 0x000000ffu : 0xffffffffu;
  for (int bits = 16; bits > 0; bits /= 2) sum += __shfl_xor_sync(mask, sum, bits);
  const unsigned slot = threadIdx.x / 32 + (fault == Fault_::sharedOverrun ? 1 : 0);
  if (threadIdx.x % 32 == 0) partial[slot] = sum;
  if (fault == Fault_::divergentBarrier) {
    if (threadIdx.x < 32) __syncthreads();
  } else if (fault == Fault_::barrierInHalf) {
    if (threadIdx.x == 63) return;
    __syncthreads();
  } else if (fault != Fault_::missingBarrier) {
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = partial[0] + partial[1];
}

__global__ void twoSites(float* out) {
  if (threadIdx.x < 32) {
    __syncthreads();
    out[0] = 1;
  } else {
    __syncthreads();
    out[1] = 1;
  }
}

__global__ void leftover(float* out, bool write) {
  ETALON_SHARED(float, kept, 4);
  if (write && blockIdx.x == 0 && threadIdx.x == 0) kept[0] = 5;
  __syncthreads();
  if (threadIdx.x == 0) out[blockIdx.x] = kept[0];
}

__global__ void votes(unsigned* out, unsigned* moved) {
  const unsigned ballot = __ballot_sync(0xffffffffu, threadIdx.x % 3 == 0);
  if (threadIdx.x < 4) out[threadIdx.x] = __ballot_sync(0xfu, threadIdx.x == 2) + 16 * (ballot == 0x49249249u);
  __syncwarp(0xffffffffu);
  moved[threadIdx.x] = __shfl_down_sync(0xffffffffu, threadIdx.x, 3) + 100 * __shfl_sync(0xffffffffu, threadIdx.x, 7);
}

__global__ void place(int* out) {
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  ++out[block * blockDim.x * blockDim.y * blockDim.z + thread];
}

template <Fault_ fault>
float run(const std::vector<float>& x) {
  std::vector<float> out(2, -1.0f);
  launch(total<fault>, 2, kThreads, nullptr, x.data(), static_cast<int>(x.size()), out.data());
  return out[0] + out[1];
}
}  // namespace

int main(int argc, char** argv) {
  std::vector<float> x(100);
  std::iota(x.begin(), x.end(), 1.0f);
  const std::string only = argc > 1 ? argv[1] : "";
  if (only == "bounds") return run<Fault_::missingBounds>(x) > 0 ? 0 : 1;
  if (only == "shared") return run<Fault_::sharedOverrun>(x) > 0 ? 0 : 1;

  const Order orders[] = {Order::forward, Order::reverse, Order::shuffled};
  bool right = true, barrierSeen = false;
  for (const Order order : orders) {
    schedule.order = order;
    right &= run<Fault_::none>(x) == 5050.0f;
    barrierSeen |= std::isnan(run<Fault_::missingBarrier>(x));
  }
  expect(right, "a block sum is right in every order");
  expect(barrierSeen, "a missing barrier reads poison in some order");

  schedule.order = Order::forward;
  expect(has(faultOf([&] { run<Fault_::divergentBarrier>(x); }), "32 returned"), "a barrier that half of the block never meets");
  expect(has(faultOf([&] { run<Fault_::barrierInHalf>(x); }), "1 returned"), "a barrier after a thread has returned");
  expect(has(faultOf([&] { run<Fault_::wrongMask>(x); }), "leaves it out"), "a mask that leaves out its caller");
  expect(has(faultOf([&] { run<Fault_::callerNotInMask>(x); }), "leaves it out"), "one lane with another mask");
  std::vector<float> pair(2, 0.0f);
  float* const two = pair.data();
  expect(has(faultOf([&] { launch(twoSites, 1, 64, nullptr, two); }), "divergent"), "two barriers taken for one");
  expect(faultOf([&] { launch(twoSites, 1, 16, nullptr, two); }).empty() && pair[0] == 1, "a launch after a fault starts afresh");

  launch(leftover, 2, 32, nullptr, two, true);
  expect(pair[0] == 5 && std::isnan(pair[1]), "shared memory is poison again in the next block");

  std::vector<unsigned> ballots(4), moved(32);
  unsigned *const b = ballots.data(), *const m = moved.data();
  launch(votes, 1, 32, nullptr, b, m);
  expect(ballots == std::vector<unsigned>(4, 4 + 16), "ballot, whole and by mask");
  expect(moved[0] == 703 && moved[28] == 731 && moved[30] == 730, "shuffles, down past the end keeps the lane's own");
  expect(has(faultOf([&] { launch(votes, 1, 20, nullptr, b, m); }), "wrong mask"), "a mask that names lanes the block does not have");

  std::vector<int> seen(2 * 3 * 2 * 4 * 2 * 2, 0);
  int* const s = seen.data();
  for (const Order order : orders) {
    schedule.order = order;
    launch(place, dim3(2, 3, 2), dim3(4, 2, 2), &schedule, s);
  }
  expect(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1 * 3; }), "every thread of every block runs once");
  expect(schedule.stream == &schedule, "the stream arrives");
  expect(launch(place, 1, 2048, nullptr, s) != cudaSuccess, "a block of 2048 threads is refused");
  return failures != 0;
}
