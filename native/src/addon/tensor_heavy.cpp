// The heavy tensor kernels as JavaScript functions; lib/tensor/RawHeavyKernels.ts is their typed picture, and the files beside it write the numbers that are read
// here, by addon/heavy_call.h.
#include "addon/tensor_heavy.h"

#include <etalon/etalon_tensor.h>

#include <cstdint>
#include <tuple>
#include <vector>

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

/** A row of d a batch by its offset and stride, which are the next numbers; null data where it is not given. */
template <typename Rows>
Rows rows_of(Call& call, size_t index, const char* name, int64_t batch, int64_t d) {
  const int64_t offset = call.size(name), stride = call.size(name);
  return {call.floats(index, name, offset, end_of(offset, 1, 0, batch, stride, d)), stride};
}

void layer_norm(Call& call) {
  call.open_numbers(8);
  etalon_layer_norm_args args = ETALON_LAYER_NORM_ARGS_INIT;
  args.batch = call.size("batch"), args.rows = call.size("rows"), args.d = call.size("d");
  args.epsilon = static_cast<float>(call.number());
  const Wide rows = count_of({args.batch, args.rows}), elements = count_of({args.batch, args.rows, args.d});
  args.x = call.needed(1, "x", elements);
  args.y = call.needed(2, "y", elements);
  args.gain = call.floats(3, "gain", args.d);
  args.bias = call.floats(4, "bias", args.d);
  args.scale = rows_of<etalon_rows>(call, 5, "scale", args.batch, args.d);
  args.shift = rows_of<etalon_rows>(call, 6, "shift", args.batch, args.d);
  args.mean = call.floats(7, "mean", rows);
  args.rstd = call.floats(8, "rstd", rows);
  call.settle(etalon_layer_norm(call.context(), &args));
}

void layer_norm_gradients(Call& call) {
  call.open_numbers(9);
  etalon_layer_norm_gradients_args args = ETALON_LAYER_NORM_GRADIENTS_ARGS_INIT;
  args.batch = call.size("batch"), args.rows = call.size("rows"), args.d = call.size("d");
  const Wide rows = count_of({args.batch, args.rows}), elements = count_of({args.batch, args.rows, args.d});
  args.x = call.needed(1, "x", elements);
  args.mean = call.needed(2, "mean", rows);
  args.rstd = call.needed(3, "rstd", rows);
  args.dy = call.needed(4, "dy", elements);
  args.gain = call.floats(5, "gain", args.d);
  args.bias = call.floats(6, "bias", args.d);
  args.scale = rows_of<etalon_rows>(call, 7, "scale", args.batch, args.d);
  args.dx = call.floats(8, "dx", elements);
  args.d_gain = call.floats(9, "dGain", args.d);
  args.d_bias = call.floats(10, "dBias", args.d);
  args.d_scale = rows_of<etalon_rows_out>(call, 11, "dScale", args.batch, args.d);
  args.d_shift = rows_of<etalon_rows_out>(call, 12, "dShift", args.batch, args.d);
  args.residual = call.floats(13, "residual", elements);
  call.settle(etalon_layer_norm_gradients(call.context(), &args));
}

void gated_residual(Call& call) {
  call.open_numbers(5);
  etalon_gated_residual_args args = ETALON_GATED_RESIDUAL_ARGS_INIT;
  args.batch = call.size("batch"), args.rows = call.size("rows"), args.d = call.size("d");
  const Wide elements = count_of({args.batch, args.rows, args.d});
  args.x = call.needed(1, "x", elements);
  args.y = call.needed(2, "y", elements);
  args.gate = rows_of<etalon_rows>(call, 3, "gate", args.batch, args.d);
  args.out = call.needed(4, "out", elements);
  call.settle(etalon_gated_residual(call.context(), &args));
}

void gated_residual_gradients(Call& call) {
  call.open_numbers(7);
  etalon_gated_residual_gradients_args args = ETALON_GATED_RESIDUAL_GRADIENTS_ARGS_INIT;
  args.batch = call.size("batch"), args.rows = call.size("rows"), args.d = call.size("d");
  const Wide elements = count_of({args.batch, args.rows, args.d});
  args.d_out = call.needed(1, "dOut", elements);
  args.y = call.needed(2, "y", elements);
  args.gate = rows_of<etalon_rows>(call, 3, "gate", args.batch, args.d);
  args.dy = call.floats(4, "dy", elements);
  args.d_gate = rows_of<etalon_rows_out>(call, 5, "dGate", args.batch, args.d);
  call.settle(etalon_gated_residual_gradients(call.context(), &args));
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

void rms_norm(Call& call) {
  call.open_numbers(3);
  etalon_rms_norm_args args = ETALON_RMS_NORM_ARGS_INIT;
  args.rows = call.size("rows"), args.d = call.size("d");
  args.epsilon = static_cast<float>(call.number());
  const Wide elements = count_of({args.rows, args.d});
  args.x = call.needed(1, "x", elements);
  args.y = call.needed(2, "y", elements);
  args.gain = call.floats(3, "gain", args.d);
  args.rstd = call.floats(4, "rstd", args.rows);
  call.settle(etalon_rms_norm(call.context(), &args));
}

void rms_norm_gradients(Call& call) {
  call.open_numbers(2);
  etalon_rms_norm_gradients_args args = ETALON_RMS_NORM_GRADIENTS_ARGS_INIT;
  args.rows = call.size("rows"), args.d = call.size("d");
  const Wide elements = count_of({args.rows, args.d});
  args.x = call.needed(1, "x", elements);
  args.rstd = call.needed(2, "rstd", args.rows);
  args.dy = call.needed(3, "dy", elements);
  args.gain = call.floats(4, "gain", args.d);
  args.dx = call.floats(5, "dx", elements);
  args.d_gain = call.floats(6, "dGain", args.d);
  call.settle(etalon_rms_norm_gradients(call.context(), &args));
}

void group_norm(Call& call) {
  call.open_numbers(6);
  etalon_group_norm_args args = ETALON_GROUP_NORM_ARGS_INIT;
  args.batch = call.size("batch"), args.pixels = call.size("pixels"), args.channels = call.size("channels"), args.groups = call.size("groups");
  args.epsilon = static_cast<float>(call.number());
  args.silu = call.flag();
  const Wide elements = count_of({args.batch, args.pixels, args.channels}), groups = count_of({args.batch, args.groups});
  args.x = call.needed(1, "x", elements);
  args.y = call.needed(2, "y", elements);
  args.gain = call.floats(3, "gain", args.channels);
  args.bias = call.floats(4, "bias", args.channels);
  args.mean = call.floats(5, "mean", groups);
  args.rstd = call.floats(6, "rstd", groups);
  call.settle(etalon_group_norm(call.context(), &args));
}

void group_norm_gradients(Call& call) {
  call.open_numbers(5);
  etalon_group_norm_gradients_args args = ETALON_GROUP_NORM_GRADIENTS_ARGS_INIT;
  args.batch = call.size("batch"), args.pixels = call.size("pixels"), args.channels = call.size("channels"), args.groups = call.size("groups");
  args.silu = call.flag();
  const Wide elements = count_of({args.batch, args.pixels, args.channels}), groups = count_of({args.batch, args.groups});
  args.x = call.needed(1, "x", elements);
  args.mean = call.needed(2, "mean", groups);
  args.rstd = call.needed(3, "rstd", groups);
  args.dy = call.needed(4, "dy", elements);
  args.gain = call.floats(5, "gain", args.channels);
  args.bias = call.floats(6, "bias", args.channels);
  args.dx = call.floats(7, "dx", elements);
  args.d_gain = call.floats(8, "dGain", args.channels);
  args.d_bias = call.floats(9, "dBias", args.channels);
  args.residual = call.floats(10, "residual", elements);
  call.settle(etalon_group_norm_gradients(call.context(), &args));
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

void geglu(Call& call) {
  call.open_numbers(2);
  etalon_geglu_args args = ETALON_GEGLU_ARGS_INIT;
  args.rows = call.size("rows"), args.width = call.size("width");
  args.x = call.needed(1, "x", count_of({args.rows, args.width, 2}));
  args.y = call.needed(2, "y", count_of({args.rows, args.width}));
  call.settle(etalon_geglu(call.context(), &args));
}

void geglu_gradients(Call& call) {
  call.open_numbers(2);
  etalon_geglu_gradients_args args = ETALON_GEGLU_GRADIENTS_ARGS_INIT;
  args.rows = call.size("rows"), args.width = call.size("width");
  args.x = call.needed(1, "x", count_of({args.rows, args.width, 2}));
  args.dy = call.needed(2, "dy", count_of({args.rows, args.width}));
  args.dx = call.needed(3, "dx", count_of({args.rows, args.width, 2}));
  call.settle(etalon_geglu_gradients(call.context(), &args));
}

template <etalon_status (*Unpack)(etalon_context*, int64_t, const uint16_t*, float*)>
void unpack(Call& call) {
  int64_t count = 0;
  const uint16_t* const bits = call.words(0, "bits", count);
  call.settle(Unpack(call.context(), count, bits, call.needed(1, "out", count)));
}

void adamw(Call& call) {
  call.open_numbers(7);
  etalon_adamw_args args = ETALON_ADAMW_ARGS_INIT;
  args.step = call.size("step");
  args.learning_rate = call.number(), args.beta1 = call.number(), args.beta2 = call.number(), args.epsilon = call.number(), args.weight_decay = call.number();
  args.gradient_scale = call.number();
  std::vector<int64_t> lengths;
  const std::vector<float*> parameters = call.list(1, "parameters", lengths, false), gradients = call.list(2, "gradients", lengths, true);
  const std::vector<float*> first = call.list(3, "first", lengths, true), second = call.list(4, "second", lengths, true);
  args.count = static_cast<int64_t>(lengths.size()), args.lengths = lengths.data();
  args.parameters = parameters.data(), args.gradients = gradients.data(), args.first = first.data(), args.second = second.data();
  call.settle(etalon_adamw(call.context(), &args));
}

double number_at(const Call& call, napi_env env, size_t index, const char* name) {
  double value = 0;
  if (napi_get_value_double(env, call.value(index), &value) != napi_ok) throw Fault{"BAD_TYPE", name, "a number", 0};
  return value;
}

napi_value global_norm(Call& call, napi_env env) {
  std::vector<int64_t> lengths;
  const std::vector<float*> arrays = call.list(0, "arrays", lengths, false);
  double norm = 0;
  call.settle(etalon_global_norm(call.context(), static_cast<int64_t>(lengths.size()), arrays.data(), lengths.data(), &norm));
  napi_value result;
  napi_create_double(env, norm, &result);
  return result;
}

napi_value scale(Call& call, napi_env env) {
  std::vector<int64_t> lengths;
  const std::vector<float*> arrays = call.list(0, "arrays", lengths, false);
  call.settle(etalon_scale(call.context(), static_cast<int64_t>(lengths.size()), arrays.data(), lengths.data(), number_at(call, env, 1, "factor")));
  return nullptr;
}

napi_value ema(Call& call, napi_env env) {
  std::vector<int64_t> lengths;
  const std::vector<float*> averages = call.list(0, "averages", lengths, false), values = call.list(1, "values", lengths, true);
  call.settle(etalon_ema(call.context(), static_cast<int64_t>(lengths.size()), averages.data(), values.data(), lengths.data(), number_at(call, env, 2, "decay")));
  return nullptr;
}
}  // namespace

Napi::Object tensor_heavy(Napi::Env env) {
  Napi::Object kernels = Napi::Object::New(env);
  const auto add = [&](const char* name, napi_callback callback) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) != napi_ok) throw Napi::Error::New(env);
    kernels.Set(name, Napi::Value(env, function));
  };
  add("gemm", entry<gemm>);
  add("linearGradients", entry<linear_gradients>);
  add("attention", entry<attention>);
  add("attentionGradients", entry<attention_gradients>);
  add("layerNorm", entry<layer_norm>);
  add("layerNormGradients", entry<layer_norm_gradients>);
  add("gatedResidual", entry<gated_residual>);
  add("gatedResidualGradients", entry<gated_residual_gradients>);
  add("conv2d", entry<conv2d>);
  add("conv2dInputGradient", entry<conv2d_input_gradient>);
  add("conv2dFilterGradient", entry<conv2d_filter_gradient>);
  add("rmsNorm", entry<rms_norm>);
  add("rmsNormGradients", entry<rms_norm_gradients>);
  add("groupNorm", entry<group_norm>);
  add("groupNormGradients", entry<group_norm_gradients>);
  add("rope", entry<rope>);
  add("geglu", entry<geglu>);
  add("gegluGradients", entry<geglu_gradients>);
  add("unpackBf16", entry<unpack<etalon_unpack_bf16>>);
  add("unpackF16", entry<unpack<etalon_unpack_f16>>);
  add("adamw", entry<adamw>);
  add("globalNorm", entry_with_result<global_norm>);
  add("scale", entry_with_result<scale>);
  add("ema", entry_with_result<ema>);
  return kernels;
}
}  // namespace etalon::addon
