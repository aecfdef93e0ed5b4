// Many kernels in one call from JavaScript. A program is what lib/tensor/Recorder.ts wrote down of a layer's calls: numbers, one step after the other, each
//   which kernel, count of its numbers, count of its arrays, the numbers, then of each array the place in the caller's list (−1: not given), its offset and its length.
// A step is checked as the call by itself would be, so a program that does not fit its arrays is an error and never a crash.
#include <etalon/etalon_tensor.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "addon/heavy_call.h"
#include "addon/light_calls.h"
#include "addon/tensor_heavy.h"

namespace etalon::addon {
namespace {
light::Context light_context(const Call& call) { return addon::light_context(call.context()); }

/** An operation of a table, of float32 alone. */
template <typename Entry>
const Entry& operation(Call& call, const Entry* entries, int count) {
  const int64_t index = call.size("operation");
  if (index >= count) throw Fault{"OUT_OF_RANGE", "operation", "one of the table", static_cast<double>(index)};
  const Entry& entry = entries[index];
  if (entry.in != light::Type::f32 || entry.out != light::Type::f32) throw Fault{"BAD_TYPE", "operation", "one of float32", static_cast<double>(index)};
  return entry;
}

/** The numbers that are left. */
light::Layout layout_of(Call& call) {
  int64_t count = 0;
  const double* const values = call.rest(count);
  return layout_from(call.env(), values, count);
}

void unary(Call& call) {
  call.open_numbers(3);
  const light::Context ctx = light_context(call);
  const light::Unary& kernel = operation(call, ctx.kernels.unary, ctx.kernels.unaries);
  const auto a = static_cast<float>(call.number()), b = static_cast<float>(call.number());
  run_unary(call.env(), ctx, kernel, call.whole(1, "x"), call.whole(2, "y"), a, b);
}

void binary(Call& call) {
  call.open_numbers(1);
  const light::Context ctx = light_context(call);
  const light::Binary& kernel = operation(call, ctx.kernels.binary, ctx.kernels.binaries);
  run_binary(call.env(), ctx, kernel, call.whole(1, "left"), call.whole(2, "right"), call.whole(3, "out"), layout_of(call));
}

void reduce(Call& call) {
  call.open_numbers(4);
  const int64_t kind = call.size("kind"), outer = call.size("outer"), n = call.size("n"), inner = call.size("inner");
  run_reduce(call.env(), light_context(call), kind, call.whole(1, "x"), call.whole(2, "y"), outer, n, inner);
}

void copy(Call& call) {
  call.open_numbers(2);
  const int64_t from = call.size("from"), to = call.size("to");
  run_copy(call.env(), light_context(call), call.whole(1, "source"), from, call.whole(2, "target"), to, layout_of(call));
}

void fill(Call& call) {
  call.open_numbers(1);
  const auto value = static_cast<float>(call.number());
  const Array out = call.whole(1, "out");
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  light::fill(light_context(call), out.data, bits, out.length, out.bytes());
}

void scale(Call& call) {
  call.open_numbers(1);
  const double factor = call.number();
  const Array x = call.whole(1, "x");
  float* const data = static_cast<float*>(x.data);
  call.settle(etalon_scale(call.context(), 1, &data, &x.length, factor));
}

/** What a step may be, by number. */
const std::vector<Kernel>& steps() {
  static const std::vector<Kernel> all = [] {
    std::vector<Kernel> kernels = product_kernels();
    kernels.insert(kernels.end(), row_kernels().begin(), row_kernels().end());
    kernels.insert(kernels.end(), {{"unary", unary}, {"binary", binary}, {"reduce", reduce}, {"copy", copy}, {"fill", fill}, {"scale", scale}});
    return kernels;
  }();
  return all;
}

napi_value names(Call&, napi_env env) {
  Napi::Array list = Napi::Array::New(env, steps().size());
  for (uint32_t i = 0; i < steps().size(); ++i) list.Set(i, steps()[i].name);
  return list;
}

/** A program's numbers, read to its end and no further. */
class Reader {
 public:
  Reader(const double* at, int64_t count) : at_(at), left_(count) {}
  bool done() const { return left_ == 0; }
  const double* take(int64_t count) {
    if (count > left_) throw Fault{"BAD_SHAPE", "length of the program", "that of whole steps", static_cast<double>(left_)};
    at_ += count, left_ -= count;
    return at_ - count;
  }
  /** A whole number from `least` up to `most`. */
  int64_t whole(const char* name, int64_t least, int64_t most) {
    const double value = *take(1);
    if (!(value >= static_cast<double>(least) && value <= static_cast<double>(most)))
      throw Fault{"OUT_OF_RANGE", name, std::to_string(least) + " to " + std::to_string(most), value};
    return static_cast<int64_t>(value);
  }

 private:
  const double* at_;
  int64_t left_;
};

void run(Call& call) {
  std::vector<int64_t> lengths;
  const std::vector<float*> arrays = call.list(1, "arrays", lengths, false);
  int64_t count = 0;
  const double* const program = call.doubles(0, "program", count);
  Reader reader(program, count);
  while (!reader.done()) {
    const int64_t kernel = reader.whole("kernel of a step", 0, static_cast<int64_t>(steps().size()) - 1);
    const int64_t numbers_count = reader.whole("numbers of a step", 0, 64), pieces_count = reader.whole("arrays of a step", 1, Call::kMost - 1);
    const double* const numbers = reader.take(numbers_count);
    Piece pieces[Call::kMost];
    for (int64_t i = 0; i < pieces_count; ++i) {
      const int64_t place = reader.whole("place of an array", -1, static_cast<int64_t>(arrays.size()) - 1);
      const int64_t most = place < 0 ? 0 : lengths[static_cast<size_t>(place)];
      const int64_t offset = reader.whole("offset of an array", 0, most), length = reader.whole("length of an array", 0, most - offset);
      pieces[i] = place < 0 ? Piece{nullptr, 0} : Piece{arrays[static_cast<size_t>(place)] + offset, length};
    }
    Call step(call, numbers, numbers_count, pieces, static_cast<size_t>(pieces_count));
    steps()[static_cast<size_t>(kernel)].body(step);
  }
}
}  // namespace

void add_program(Napi::Env env, Napi::Object kernels) {
  static const Kernel kernel{"run", run};
  add(env, kernels, kernel);
  add(env, kernels, "steps", entry<names>);
}
}  // namespace etalon::addon
