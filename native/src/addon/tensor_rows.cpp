// The heavy tensor kernels that go by rows and elements: norms, gated residuals, GEGLU, 16-bit formats, the optimiser. As tensor_heavy.cpp.
#include <etalon/etalon_tensor.h>

#include <cstdint>
#include <vector>

#include "addon/heavy_call.h"
#include "addon/tensor_heavy.h"

namespace etalon::addon {
namespace {
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

const std::vector<Kernel>& row_kernels() {
  static const std::vector<Kernel> kernels = {
      {"layerNorm", layer_norm},
      {"layerNormGradients", layer_norm_gradients},
      {"gatedResidual", gated_residual},
      {"gatedResidualGradients", gated_residual_gradients},
      {"rmsNorm", rms_norm},
      {"rmsNormGradients", rms_norm_gradients},
      {"groupNorm", group_norm},
      {"groupNormGradients", group_norm_gradients},
      {"geglu", geglu},
      {"gegluGradients", geglu_gradients},
  };
  return kernels;
}

void add_list_kernels(Napi::Env env, Napi::Object kernels) {
  static const Kernel others[] = {{"unpackBf16", unpack<etalon_unpack_bf16>}, {"unpackF16", unpack<etalon_unpack_f16>}, {"adamw", adamw}};
  for (const Kernel& kernel : others) add(env, kernels, kernel);
  add(env, kernels, "globalNorm", entry<global_norm>);
  add(env, kernels, "scale", entry<scale>);
  add(env, kernels, "ema", entry<ema>);
}
}  // namespace etalon::addon
