// What the heavy kernels take of memory: attention never as much as all its scores; and where there is none to be had, a status, nothing lost, and a next call that works.
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <new>

#include "expect.h"

namespace {
std::atomic<int64_t> live{0}, most{0};
thread_local int64_t allowed = std::numeric_limits<int64_t>::max();   // allocations of this thread until one fails

void* taken(void* memory) {
  if (!memory) throw std::bad_alloc();
  const int64_t now = live += static_cast<int64_t>(malloc_usable_size(memory));
  for (int64_t before = most; before < now && !most.compare_exchange_weak(before, now);) {
  }
  return memory;
}
void may_fail() {
  if (allowed-- <= 0) throw std::bad_alloc();
}
void given(void* memory) {
  if (memory) live -= static_cast<int64_t>(malloc_usable_size(memory));
  std::free(memory);
}
}  // namespace
void* operator new(size_t size) { return may_fail(), taken(std::malloc(size)); }
void* operator new(size_t size, std::align_val_t align) {
  const size_t unit = static_cast<size_t>(align);
  return may_fail(), taken(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}
void operator delete(void* memory) noexcept { given(memory); }
void operator delete(void* memory, size_t) noexcept { given(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { given(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { given(memory); }

namespace {
/** FLUX's 4,096 patches and 512 words. */
void streaming(const char* target, int threads) {
  where = std::string("attention of 4608 tokens on ") + target + ", " + std::to_string(threads) + " threads";
  const Context ctx(target, threads);
  const int64_t n = 4608, d = 8, scores = n * n * static_cast<int64_t>(sizeof(float));
  const Floats q = draws(n * d, 1), k = draws(n * d, 2), v = draws(n * d, 3), dOut = draws(n * d, 4);
  Floats out(q.size()), log(n), dq(q.size()), dk(q.size()), dv(q.size());
  etalon_attention_args args = ETALON_ATTENTION_ARGS_INIT;
  args.batch = args.heads = 1, args.queries = args.keys = n, args.depth = args.width = d, args.scale = 0.35f;
  args.q = {q.data(), 0, 0, d}, args.k = {k.data(), 0, 0, d}, args.v = {v.data(), 0, 0, d}, args.out = {out.data(), 0, 0, d}, args.log_sum_exp = log.data();
  etalon_attention_gradients_args gradients = ETALON_ATTENTION_GRADIENTS_ARGS_INIT;
  gradients.d_out = {dOut.data(), 0, 0, d}, gradients.dq = {dq.data(), 0, 0, d}, gradients.dk = {dk.data(), 0, 0, d}, gradients.dv = {dv.data(), 0, 0, d};
  const int64_t before = live;
  most = before;
  ok(ctx, etalon_attention(ctx, &args));
  const int64_t forward = most - before;
  most = static_cast<int64_t>(live);
  ok(ctx, etalon_attention_gradients(ctx, &args, &gradients));
  const int64_t back = most - before;
  expect(forward > 0 && back > 0, "nothing was counted");
  expect(16 * forward < scores, "forward takes " + std::to_string(forward) + " bytes, all scores would " + std::to_string(scores));
  expect(16 * back < scores, "back takes " + std::to_string(back) + " bytes, all scores would " + std::to_string(scores));
  std::printf("%s: %lld bytes forward, %lld back; all scores would be %lld\n", where.c_str(), static_cast<long long>(forward), static_cast<long long>(back), static_cast<long long>(scores));
}

/** Runs `call` on fresh contexts whose allocations fail after 0, 1, 2, … until none does; after each failure the same call on the same context gives the bits of one that never failed. */
template <typename Call>
void without_memory(const char* name, const char* target, int threads, const std::vector<const Floats*>& inputs, std::vector<Floats>& outputs, Call&& call) {
  where = std::string(name) + " on " + target + ", " + std::to_string(threads) + " threads";
  std::vector<Floats> given;
  for (const Floats* input : inputs) given.push_back(*input);
  {
    const Context ctx(target, threads);
    ok(ctx, call(ctx));
  }
  const std::vector<Floats> want = outputs;
  int64_t failures = 0;
  for (int64_t after = 0;; ++after) {
    const int64_t before = live;
    bool failed;
    {
      const Context ctx(target, threads);
      allowed = after;
      const etalon_status status = call(ctx);
      allowed = std::numeric_limits<int64_t>::max();
      failed = status != ETALON_OK;
      if (failed) {
        ++failures;
        expect(status == ETALON_OUT_OF_MEMORY && std::strcmp(etalon_last_error(ctx), "out of memory") == 0, std::string("another error: ") + etalon_last_error(ctx));
        for (size_t i = 0; i < inputs.size(); ++i) expect_same_bits(*inputs[i], given[i], "an input after a failure");
        for (Floats& output : outputs) std::fill(output.begin(), output.end(), 7.0f);
        ok(ctx, call(ctx));
      }
      for (size_t i = 0; i < outputs.size(); ++i) expect_same_bits(outputs[i], want[i], "a result after a failure");
    }
    const bool balanced = live == before;   // the text below takes memory itself
    expect(balanced, "memory is not given back");
    if (!failed || after > 100) break;
  }
  expect(failures > 0 && failures <= 100, "allocations that failed: " + std::to_string(failures));
}

void out_of_memory(const char* target, int threads) {
  const int64_t n = 150, d = 40;
  const Floats a = draws(n * d, 1), b = draws(n * d, 2), c = draws(n * d, 3), e = draws(n * d, 4), w = draws(d * d, 5), filter = draws(9 * d * d, 6);
  {
    std::vector<Floats> results = {Floats(a.size()), Floats(n), Floats(a.size()), Floats(a.size()), Floats(a.size())};
    etalon_attention_args args = ETALON_ATTENTION_ARGS_INIT;
    args.batch = args.heads = 1, args.queries = args.keys = n, args.depth = args.width = d, args.scale = 0.2f;
    args.q = {a.data(), 0, 0, d}, args.k = {b.data(), 0, 0, d}, args.v = {c.data(), 0, 0, d}, args.out = {results[0].data(), 0, 0, d}, args.log_sum_exp = results[1].data();
    etalon_attention_gradients_args back = ETALON_ATTENTION_GRADIENTS_ARGS_INIT;
    back.d_out = {e.data(), 0, 0, d}, back.dq = {results[2].data(), 0, 0, d}, back.dk = {results[3].data(), 0, 0, d}, back.dv = {results[4].data(), 0, 0, d};
    without_memory("attention, both ways", target, threads, {&a, &b, &c, &e}, results, [&](etalon_context* ctx) {
      const etalon_status status = etalon_attention(ctx, &args);
      return status == ETALON_OK ? etalon_attention_gradients(ctx, &args, &back) : status;
    });
  }
  {
    std::vector<Floats> results = {Floats(a.size()), Floats(w.size()), Floats(d)};
    etalon_linear_gradients_args args = ETALON_LINEAR_GRADIENTS_ARGS_INIT;
    args.rows = n, args.inputs = args.outputs = args.lddy = args.ldx = args.lddx = d, args.dy = a.data(), args.x = b.data(), args.w = w.data();
    args.activation = ETALON_ACTIVATION_SILU, args.preactivation = c.data(), args.dx = results[0].data(), args.dw = results[1].data(), args.db = results[2].data();
    without_memory("linear gradients", target, threads, {&a, &b, &c, &w}, results, [&](etalon_context* ctx) { return etalon_linear_gradients(ctx, &args); });
  }
  {
    std::vector<Floats> results = {Floats(a.size())};
    etalon_conv2d_args args = ETALON_CONV2D_ARGS_INIT;
    args.sizes.batch = 1, args.sizes.height = args.sizes.out_height = 10, args.sizes.width = args.sizes.out_width = 15, args.sizes.in_channels = args.sizes.out_channels = d;
    args.sizes.filter_height = args.sizes.filter_width = 3, args.sizes.pad_top = args.sizes.pad_left = 1;
    args.x = a.data(), args.filter = filter.data(), args.y = results[0].data();
    without_memory("convolution", target, threads, {&a, &filter}, results, [&](etalon_context* ctx) { return etalon_conv2d(ctx, &args); });
  }
}
}  // namespace

int main() {
  for (int i = 0; const char* target = etalon_available_target(i); ++i)
    for (const int threads : {1, 2}) {
      streaming(target, threads);
      out_of_memory(target, threads);
    }
  return failures ? 1 : 0;
}
