// The heavy tensor kernels as JavaScript functions; lib/tensor/RawHeavyKernels.ts is their typed picture, and the files beside it write the numbers that are read
// here, by addon/heavy_call.h. Here are those made of products; tensor_rows.cpp has those that go by rows and elements.
#include "addon/tensor_heavy.h"

#include <etalon/etalon_tensor.h>

#include <cstdint>
#include <tuple>

#include "addon/heavy_call.h"

namespace etalon::addon {
namespace {
void gemm(Call& call) {
  call.open_numbers(17);
  etalon_gemm_args args = ETALON_GEMM_ARGS_INIT;
  args.m = call.size("m"), args.n = call.size("n"), args.k = call.size("k"), args.batch = call.size("batch");
  args.transpose_a = call.flag(), args.transpose_b = call.flag();
  args.activation = call.activation();
  args.accumulate = call.flag();
  const int64_t aOffset = call.size("aOffset");
  args.lda = call.size("lda"), args.stride_a = call.size("aStride");
  const int64_t bOffset = call.size("bOffset");
  args.ldb = call.size("ldb"), args.stride_b = call.size("bStride");
  const int64_t cOffset = call.size("cOffset");
  args.ldc = call.size("ldc"), args.stride_c = call.size("cStride");
  const auto& [m, n, k] = std::tie(args.m, args.n, args.k);
  const bool any = m && n;
  args.a = call.needed(1, "a", aOffset, any ? end_of(aOffset, args.batch, args.stride_a, args.transpose_a ? k : m, args.lda, args.transpose_a ? m : k) : 0);
  args.b = call.needed(2, "b", bOffset, any ? end_of(bOffset, args.batch, args.stride_b, args.transpose_b ? n : k, args.ldb, args.transpose_b ? k : n) : 0);
  const Wide end = end_of(cOffset, args.batch, args.stride_c, m, args.ldc, n);
  args.c = call.needed(3, "c", cOffset, end);
  args.bias = call.floats(4, "bias", n);
  args.preactivation = call.floats(5, "preactivation", cOffset, end);
  args.residual = call.floats(6, "residual", cOffset, end);
  call.settle(etalon_gemm(call.context(), &args));
}

void linear_gradients(Call& call) {
  call.open_numbers(12);
  etalon_linear_gradients_args args = ETALON_LINEAR_GRADIENTS_ARGS_INIT;
  args.rows = call.size("rows"), args.inputs = call.size("inputs"), args.outputs = call.size("outputs");
  args.activation = call.activation();
  args.accumulate_dx = call.flag(), args.accumulate = call.flag();
  const int64_t dyOffset = call.size("dyOffset");
  args.lddy = call.size("lddy");
  const int64_t xOffset = call.size("xOffset");
  args.ldx = call.size("ldx");
  const int64_t dxOffset = call.size("dxOffset");
  args.lddx = call.size("lddx");
  args.dy = call.needed(1, "dy", dyOffset, end_of(dyOffset, 1, 0, args.rows, args.lddy, args.outputs));
  args.x = call.floats(2, "x", xOffset, end_of(xOffset, 1, 0, args.rows, args.ldx, args.inputs));
  args.w = call.floats(3, "w", Wide(args.inputs) * args.outputs);
  args.preactivation = call.floats(4, "preactivation", Wide(args.rows) * args.outputs);
  args.dx = call.floats(5, "dx", dxOffset, end_of(dxOffset, 1, 0, args.rows, args.lddx, args.inputs));
  args.dw = call.floats(6, "dw", Wide(args.inputs) * args.outputs);
  args.db = call.floats(7, "db", args.outputs);
  call.settle(etalon_linear_gradients(call.context(), &args));
}

/** A tensor [batch, heads, rows, d] by its offset and strides, which are the next numbers. */
template <typename Heads, typename Args>
Heads heads_of(Call& call, size_t index, const char* name, const Args& args, int64_t rows, int64_t d) {
  const int64_t offset = call.size(name), batch = call.size(name), head = call.size(name), row = call.size(name);
  const Wide end = args.batch && args.heads && rows && d ? Wide(offset) + Wide(args.batch - 1) * batch + Wide(args.heads - 1) * head + Wide(rows - 1) * row + d : 0;
  return {call.needed(index, name, offset, end), batch, head, row};
}

etalon_attention_args attention_of(Call& call) {
  etalon_attention_args args = ETALON_ATTENTION_ARGS_INIT;
  args.batch = call.size("batch"), args.heads = call.size("heads"), args.queries = call.size("queries"), args.keys = call.size("keys");
  args.depth = call.size("depth"), args.width = call.size("width");
  args.scale = static_cast<float>(call.number());
  args.causal = call.flag();
  args.q = heads_of<etalon_heads>(call, 1, "q", args, args.queries, args.depth);
  args.k = heads_of<etalon_heads>(call, 2, "k", args, args.keys, args.depth);
  args.v = heads_of<etalon_heads>(call, 3, "v", args, args.keys, args.width);
  if (call.given(4))
    args.bias = heads_of<etalon_heads>(call, 4, "bias", args, args.queries, args.keys);
  else
    call.skip(4);
  args.out = heads_of<etalon_heads_out>(call, 5, "out", args, args.queries, args.width);
  args.log_sum_exp = call.floats(6, "logSumExp", count_of({args.batch, args.heads, args.queries}));
  return args;
}

void attention(Call& call) {
  call.open_numbers(28);
  const etalon_attention_args args = attention_of(call);
  call.settle(etalon_attention(call.context(), &args));
}

void attention_gradients(Call& call) {
  call.open_numbers(44);
  const etalon_attention_args forward = attention_of(call);
  etalon_attention_gradients_args args = ETALON_ATTENTION_GRADIENTS_ARGS_INIT;
  args.d_out = heads_of<etalon_heads>(call, 7, "dOut", forward, forward.queries, forward.width);
  args.dq = heads_of<etalon_heads_out>(call, 8, "dq", forward, forward.queries, forward.depth);
  args.dk = heads_of<etalon_heads_out>(call, 9, "dk", forward, forward.keys, forward.depth);
  args.dv = heads_of<etalon_heads_out>(call, 10, "dv", forward, forward.keys, forward.width);
  call.settle(etalon_attention_gradients(call.context(), &forward, &args));
}

void rope(Call& call) {
  call.open_numbers(13);
  etalon_rope_args args = ETALON_ROPE_ARGS_INIT;
  args.batch = call.size("batch"), args.tokens = call.size("tokens"), args.heads = call.size("heads"), args.depth = call.size("depth");
  args.inverse = call.flag();
  args.x = heads_of<etalon_heads>(call, 1, "x", args, args.tokens, args.depth);
  args.y = heads_of<etalon_heads_out>(call, 2, "y", args, args.tokens, args.depth);
  args.cos = call.needed(3, "cos", count_of({args.tokens, args.depth / 2}));
  args.sin = call.needed(4, "sin", count_of({args.tokens, args.depth / 2}));
  call.settle(etalon_rope(call.context(), &args));
}

etalon_conv_sizes conv_of(Call& call) {
  etalon_conv_sizes s = ETALON_CONV_SIZES_INIT;
  s.batch = call.size("batch"), s.height = call.size("height"), s.width = call.size("width"), s.in_channels = call.size("inChannels");
  s.filter_height = call.size("filterHeight"), s.filter_width = call.size("filterWidth");
  s.out_height = call.size("outHeight"), s.out_width = call.size("outWidth"), s.out_channels = call.size("outChannels");
  s.stride_height = call.size("strideHeight"), s.stride_width = call.size("strideWidth");
  s.dilation_height = call.size("dilationHeight"), s.dilation_width = call.size("dilationWidth");
  s.pad_top = call.size("padTop"), s.pad_left = call.size("padLeft");
  return s;
}
Wide pixels_in(const etalon_conv_sizes& s) { return count_of({s.batch, s.height, s.width, s.in_channels}); }
Wide pixels_out(const etalon_conv_sizes& s) { return count_of({s.batch, s.out_height, s.out_width, s.out_channels}); }
Wide filter_of(const etalon_conv_sizes& s) { return count_of({s.filter_height, s.filter_width, s.in_channels, s.out_channels}); }

void conv2d(Call& call) {
  call.open_numbers(16);
  etalon_conv2d_args args = ETALON_CONV2D_ARGS_INIT;
  args.sizes = conv_of(call);
  args.activation = call.activation();
  args.x = call.needed(1, "x", pixels_in(args.sizes));
  args.filter = call.needed(2, "filter", filter_of(args.sizes));
  args.bias = call.floats(3, "bias", args.sizes.out_channels);
  args.y = call.needed(4, "y", pixels_out(args.sizes));
  args.shift = call.floats(5, "shift", count_of({args.sizes.batch, args.sizes.out_channels}));
  args.residual = call.floats(6, "residual", pixels_out(args.sizes));
  call.settle(etalon_conv2d(call.context(), &args));
}

void conv2d_input_gradient(Call& call) {
  call.open_numbers(15);
  etalon_conv2d_input_gradient_args args = ETALON_CONV2D_INPUT_GRADIENT_ARGS_INIT;
  args.sizes = conv_of(call);
  args.dy = call.needed(1, "dy", pixels_out(args.sizes));
  args.filter = call.needed(2, "filter", filter_of(args.sizes));
  args.dx = call.needed(3, "dx", pixels_in(args.sizes));
  call.settle(etalon_conv2d_input_gradient(call.context(), &args));
}

void conv2d_filter_gradient(Call& call) {
  call.open_numbers(15);
  etalon_conv2d_filter_gradient_args args = ETALON_CONV2D_FILTER_GRADIENT_ARGS_INIT;
  args.sizes = conv_of(call);
  args.x = call.needed(1, "x", pixels_in(args.sizes));
  args.dy = call.needed(2, "dy", pixels_out(args.sizes));
  args.d_filter = call.floats(3, "dFilter", filter_of(args.sizes));
  args.d_bias = call.floats(4, "dBias", args.sizes.out_channels);
  call.settle(etalon_conv2d_filter_gradient(call.context(), &args));
}
}  // namespace

const std::vector<Kernel>& product_kernels() {
  static const std::vector<Kernel> kernels = {
      {"gemm", gemm},
      {"linearGradients", linear_gradients},
      {"attention", attention},
      {"attentionGradients", attention_gradients},
      {"conv2d", conv2d},
      {"conv2dInputGradient", conv2d_input_gradient},
      {"conv2dFilterGradient", conv2d_filter_gradient},
      {"rope", rope},
  };
  return kernels;
}

Napi::Object tensor_heavy(Napi::Env env) {
  Napi::Object kernels = Napi::Object::New(env);
  for (const Kernel& kernel : product_kernels()) add(env, kernels, kernel);
  for (const Kernel& kernel : row_kernels()) add(env, kernels, kernel);
  add_list_kernels(env, kernels);
  add_program(env, kernels);
  return kernels;
}
}  // namespace etalon::addon
