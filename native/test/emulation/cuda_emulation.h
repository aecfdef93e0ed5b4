// Runs CUDA kernels on the CPU, for tests. Force-included (-include) when g++ compiles a file of src/cuda as C++.
//
// A block's threads are fibers. One runs until it meets a barrier or a warp operation, then the next: so __syncthreads, __syncwarp, __shfl_*_sync
// and __ballot_sync do what they do on a device, and shared memory holds poison (all bits set: NaN) when a block starts.
// A Fault is thrown by the launch for a divergent barrier, a mask that names a lane which does not come (or not the caller), a shuffle from outside
// the mask, a block that is too large. A missing barrier shows as poison, or as a result that changes with `schedule.order`: run every test under all
// of them. A missing bounds check shows under AddressSanitizer, in shared memory too (each array is its own allocation).
// Not seen: races between blocks (they run one after another, though in any order), memory ordering, timing, and what nvcc makes of the arithmetic.
#pragma once
#ifdef __CUDACC__
#error "cuda_emulation.h stands in for nvcc; do not compile it with nvcc"
#endif
#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define ETALON_FIBER_ASAN(...) __VA_ARGS__
#else
#define ETALON_FIBER_ASAN(...)
#endif

#define ETALON_EMULATION 1
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct uint3 { unsigned x, y, z; };
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
using cudaError_t = int;
using cudaStream_t = void*;
constexpr cudaError_t cudaSuccess = 0, cudaErrorInvalidConfiguration = 9, cudaErrorNoDevice = 100, cudaErrorInvalidDevice = 101;

namespace etalon::emulation {

struct Fault : std::runtime_error { using std::runtime_error::runtime_error; };

enum class Order { forward, reverse, shuffled };
/** How threads and blocks take turns; what the launches saw. A correct kernel gives the same bits under every order. */
struct Schedule {
  Order order = Order::forward;
  unsigned seed = 1;        // of `shuffled`
  size_t launches = 0, blocks = 0, barriers = 0;
  void* stream = nullptr;   // of the last launch
};
inline Schedule schedule;

/** The devices there are, and the current one: memory is the host's for all. */
inline int devices = 1, device = 0;

struct Site { const char* file; int line; };

enum class Wait { nothing, barrier, warp, done };
struct Fiber {
  ucontext_t context{};
  char* stack = nullptr;
  uint3 thread{};
  unsigned lane = 0, mask = 0, source = 0;
  Wait wait = Wait::nothing;
  Site site{};
  uint64_t value = 0;    // handed in, then got back
  void* asan = nullptr;
};

class Block;
inline Block* current = nullptr;   // the block that runs; one launch at a time (the emulation is for one host thread)

class Block {
 public:
  static constexpr size_t kStack = 128 * 1024;
  static constexpr unsigned kMaxThreads = 1024;
  dim3 grid, block;
  uint3 index{};
  Fiber* self = nullptr;

  Block(dim3 grid, dim3 block, std::function<void()> kernel) : grid(grid), block(block), kernel_(std::move(kernel)), fibers_(block.x * block.y * block.z) {
    static std::vector<std::unique_ptr<char[]>> stacks;   // kept: making 256 of them a launch takes longer than the launch
    while (stacks.size() < fibers_.size()) stacks.push_back(std::make_unique_for_overwrite<char[]>(kStack));
    for (size_t i = 0; i < fibers_.size(); ++i) fibers_[i].stack = stacks[i].get();
  }

  void run(uint3 at) {
    index = at;
    shared_.clear();
    ++schedule.blocks;
    for (size_t i = 0; i < fibers_.size(); ++i) start(fibers_[i], static_cast<unsigned>(i));
    std::vector<size_t> turn = order(fibers_.size(), at.x + 1);
    for (size_t done = 0; done < fibers_.size();) {
      bool moved = false;
      for (const size_t i : turn) {
        if (fibers_[i].wait != Wait::nothing) continue;
        resume(fibers_[i]);
        moved = true;
        done += fibers_[i].wait == Wait::done;
      }
      for (size_t first = 0; first < fibers_.size(); first += 32) moved |= release_warp(first);
      moved |= release_barrier();
      if (!moved && done < fibers_.size()) explain();
    }
  }

  /** Waits with all the others that `wait` and `mask` name; gives back the value of lane `source`, or with `ballot` the lanes whose value is not 0. */
  uint64_t meet(Wait wait, Site site, unsigned mask, uint64_t value, unsigned source, bool ballot = false) {
    Fiber& fiber = *self;
    if (wait == Wait::warp && !(mask >> fiber.lane & 1)) fault(site, "a lane calls a warp operation whose mask leaves it out");
    fiber.wait = wait; fiber.site = site; fiber.mask = mask; fiber.value = value;
    fiber.source = ballot ? kBallot : source;
    leave(fiber, false);
    return fiber.value;
  }

  void* shared(Site site, size_t bytes) {
    auto& memory = shared_[{site.file, site.line}];
    if (!memory) {
      memory.reset(std::aligned_alloc(16, (bytes + 15) / 16 * 16));
      std::memset(memory.get(), 0xff, bytes);
      ETALON_FIBER_ASAN(__asan_poison_memory_region(static_cast<char*>(memory.get()) + bytes, (16 - bytes % 16) % 16);)
    }
    return memory.get();
  }

  static std::vector<size_t> order(size_t count, unsigned salt) {
    std::vector<size_t> turn(count);
    for (size_t i = 0; i < count; ++i) turn[i] = schedule.order == Order::reverse ? count - 1 - i : i;
    if (schedule.order == Order::shuffled) std::shuffle(turn.begin(), turn.end(), std::mt19937(schedule.seed * 7919u + salt));
    return turn;
  }

 private:
  static constexpr unsigned kBallot = ~0u, kOutOfRange = ~0u - 1;
  struct Free { void operator()(void* p) const { std::free(p); } };

  [[noreturn]] void fault(Site site, const char* what) {   // no string here: a faulted fiber's stack is dropped, nothing on it is destroyed
    fault_ = std::string(site.file) + ":" + std::to_string(site.line) + ": " + what + " (block " + std::to_string(index.x) + ")";
    leave(*self, true);
    std::abort();   // a faulted fiber is never resumed
  }

  static void enter() {
    Block& block = *current;
    Fiber& fiber = *block.self;
    ETALON_FIBER_ASAN(__sanitizer_finish_switch_fiber(nullptr, &block.stackBottom_, &block.stackSize_);)
    block.kernel_();
    fiber.wait = Wait::done;
    block.leave(fiber, true);
  }

  void start(Fiber& fiber, unsigned i) {
    fiber.thread = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
    fiber.lane = i % 32;
    fiber.wait = Wait::nothing;
    ETALON_FIBER_ASAN(__asan_unpoison_memory_region(fiber.stack, kStack);)
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = kStack;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, &Block::enter, 0);
  }

  void resume(Fiber& fiber) {
    self = &fiber;
    ETALON_FIBER_ASAN(void* fake = nullptr; __sanitizer_start_switch_fiber(&fake, fiber.stack, kStack);)
    swapcontext(&home_, &fiber.context);
    ETALON_FIBER_ASAN(__sanitizer_finish_switch_fiber(fake, nullptr, nullptr);)
    if (!fault_.empty()) throw Fault(std::exchange(fault_, ""));
  }

  void leave(Fiber& fiber, [[maybe_unused]] bool forever) {
    ETALON_FIBER_ASAN(__sanitizer_start_switch_fiber(forever ? nullptr : &fiber.asan, stackBottom_, stackSize_);)
    swapcontext(&fiber.context, &home_);
    ETALON_FIBER_ASAN(__sanitizer_finish_switch_fiber(fiber.asan, &stackBottom_, &stackSize_);)
  }

  static bool same(Site a, Site b) { return a.line == b.line && std::strcmp(a.file, b.file) == 0; }

  bool release_barrier() {
    for (const auto& fiber : fibers_)
      if (fiber.wait != Wait::barrier || !same(fiber.site, fibers_[0].site)) return false;
    for (auto& fiber : fibers_) fiber.wait = Wait::nothing;
    ++schedule.barriers;
    return true;
  }

  bool release_warp(size_t first) {
    bool moved = false;
    const size_t lanes = std::min<size_t>(32, fibers_.size() - first);
    for (size_t leader = 0; leader < lanes; ++leader) {
      const Fiber& lead = fibers_[first + leader];
      if (lead.wait != Wait::warp) continue;
      bool complete = lanes == 32 || lead.mask >> lanes == 0;
      for (size_t i = 0; i < lanes && complete; ++i) {
        const Fiber& lane = fibers_[first + i];
        if (lead.mask >> i & 1) complete = lane.wait == Wait::warp && lane.mask == lead.mask && same(lane.site, lead.site);
      }
      if (!complete) continue;
      exchange(first, lanes, lead.mask);
      moved = true;
    }
    return moved;
  }

  void exchange(size_t first, size_t lanes, unsigned mask) {
    uint64_t given[32] = {}, ballot = 0;
    for (size_t i = 0; i < lanes; ++i) {
      if (!(mask >> i & 1)) continue;
      given[i] = fibers_[first + i].value;
      ballot |= static_cast<uint64_t>(given[i] != 0) << i;
    }
    for (size_t i = 0; i < lanes; ++i) {
      Fiber& lane = fibers_[first + i];
      if (!(mask >> i & 1)) continue;
      if (lane.source != kBallot && !(lane.source < 32 && mask >> lane.source & 1))
        throw Fault(std::string(lane.site.file) + ":" + std::to_string(lane.site.line) + ": a shuffle reads a lane that the mask leaves out");
      lane.value = lane.source == kBallot ? ballot : given[lane.source];
      lane.wait = Wait::nothing;
    }
  }

  [[noreturn]] void explain() const {
    std::map<std::string, int> where;
    for (const auto& fiber : fibers_) {
      std::string at = fiber.wait == Wait::done ? "returned" : fiber.wait == Wait::barrier ? "at the barrier " : "in the warp operation ";
      if (fiber.wait != Wait::done) at.append(fiber.site.file).append(":").append(std::to_string(fiber.site.line));
      ++where[at];
    }
    std::string text = "the threads of block " + std::to_string(index.x) + " wait for each other: divergent barrier or wrong mask;";
    for (const auto& [what, count] : where) text.append(" ").append(std::to_string(count)).append(" ").append(what).append(";");
    throw Fault(text);
  }

  std::function<void()> kernel_;
  std::vector<Fiber> fibers_;
  std::map<std::pair<std::string, int>, std::unique_ptr<void, Free>> shared_;
  ucontext_t home_{};
  std::string fault_;
  [[maybe_unused]] const void* stackBottom_ = nullptr;
  [[maybe_unused]] size_t stackSize_ = 0;
};

/** What `kernel<<<grid, block, 0, stream>>>(arguments…)` is here; returns when all blocks have run. @throws Fault */
template <typename... Parameters>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, void* stream, std::type_identity_t<Parameters>... arguments) {
  if (block.x * block.y * block.z == 0 || block.x * block.y * block.z > Block::kMaxThreads || grid.x == 0) return cudaErrorInvalidConfiguration;
  if (current) throw Fault("a launch inside a launch");
  ++schedule.launches;
  schedule.stream = stream;
  Block running(grid, block, [=] { kernel(arguments...); });
  struct Guard { ~Guard() { current = nullptr; } } guard;
  current = &running;
  for (const size_t i : Block::order(size_t{grid.x} * grid.y * grid.z, 0)) {
    const auto at = static_cast<unsigned>(i);
    running.run({at % grid.x, at / grid.x % grid.y, at / (grid.x * grid.y)});
  }
  return cudaSuccess;
}

template <typename T>
T shuffle(Site site, unsigned mask, T value, unsigned source) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = current->meet(Wait::warp, site, mask, bits, source);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}
inline unsigned lane() { return current->self->lane; }
}  // namespace etalon::emulation

inline cudaError_t cudaGetDeviceCount(int* count) { return *count = etalon::emulation::devices, *count ? cudaSuccess : cudaErrorNoDevice; }
inline cudaError_t cudaGetDevice(int* device) { return *device = etalon::emulation::device, etalon::emulation::devices ? cudaSuccess : cudaErrorNoDevice; }
inline cudaError_t cudaSetDevice(int device) { return device < etalon::emulation::devices ? (etalon::emulation::device = device, cudaSuccess) : cudaErrorInvalidDevice; }
inline const char* cudaGetErrorString(cudaError_t error) { return error == cudaSuccess ? "no error" : error == cudaErrorNoDevice ? "no device" : "invalid argument"; }

#define threadIdx (::etalon::emulation::current->self->thread)
#define blockIdx (::etalon::emulation::current->index)
#define blockDim (::etalon::emulation::current->block)
#define gridDim (::etalon::emulation::current->grid)
#define ETALON_SITE (::etalon::emulation::Site{__FILE__, __LINE__})
#define __syncthreads() ((void)::etalon::emulation::current->meet(::etalon::emulation::Wait::barrier, ETALON_SITE, 0, 0, 0))
#define __syncwarp(mask) ((void)::etalon::emulation::shuffle(ETALON_SITE, mask, 0, ::etalon::emulation::lane()))
#define __shfl_sync(mask, value, from) ::etalon::emulation::shuffle(ETALON_SITE, mask, value, (from) % 32)
#define __shfl_xor_sync(mask, value, bits) ::etalon::emulation::shuffle(ETALON_SITE, mask, value, ::etalon::emulation::lane() ^ (bits))
#define __shfl_down_sync(mask, value, delta) \
  ::etalon::emulation::shuffle(ETALON_SITE, mask, value, ::etalon::emulation::lane() + (delta) < 32 ? ::etalon::emulation::lane() + (delta) : ::etalon::emulation::lane())
#define __ballot_sync(mask, predicate) \
  static_cast<unsigned>(::etalon::emulation::current->meet(::etalon::emulation::Wait::warp, ETALON_SITE, mask, (predicate) ? 1 : 0, 0, true))
#define ETALON_SHARED(type, name, count) type* const name = static_cast<type*>(::etalon::emulation::current->shared(ETALON_SITE, sizeof(type) * (count)))
