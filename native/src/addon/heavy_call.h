// One call of a heavy tensor kernel: its arrays by index, its numbers one after the other, from JavaScript or from a step of a program (addon/program.cpp). What would crash
// is checked here: kinds, and whether every window lies inside its array. Plain N-API: a call takes a fraction of a microsecond.
#pragma once
#include <etalon/etalon_tensor.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "addon/arrays.h"
#include "addon/tensor_heavy.h"

namespace etalon::addon {
using Wide = __int128;   // sizes are at most 2^53: no product of two overflows

struct Fault {
  const char* code;   // of an EtalonError
  std::string argument, allowed;
  double value;
};

/** An array of a step of a program; null: not given. */
struct Piece {
  float* data;
  int64_t length;
};

/** One call: its arrays by index, its numbers one after the other. */
class Call {
 public:
  static constexpr size_t kMost = 16;
  /** From JavaScript. */
  Call(napi_env env, napi_callback_info info) : env_(env) {
    if (napi_get_cb_info(env, info, &count_, values_, nullptr, &kernel_) != napi_ok || count_ > kMost) throw Fault{"BAD_TYPE", "arguments", "those of the kernel", 0};
    void* instance = nullptr;
    napi_get_instance_data(env, &instance);
    ctx_ = static_cast<Instance*>(instance)->context(Napi::Env(env));
  }
  /** A step of the program that `whole` runs: array i is pieces[i − 1], as if argument 0 held the numbers. */
  Call(const Call& whole, const double* numbers, int64_t numbers_count, const Piece* pieces, size_t pieces_count)
      : env_(whole.env_), count_(pieces_count + 1), pieces_(pieces), ctx_(whole.ctx_), next_(numbers), end_(numbers + numbers_count) {}

  Napi::Env env() const { return Napi::Env(env_); }
  etalon_context* context() const { return ctx_; }
  /** What JavaScript called; see `add`. */
  const void* kernel() const { return kernel_; }
  napi_value value(size_t index) const { return values_[index]; }

  /** Argument 0 holds the numbers. */
  void open_numbers(int64_t count) {
    if (pieces_) {
      if (end_ - next_ < count) throw Fault{"BAD_SHAPE", "numbers of a step", "at least " + std::to_string(count), static_cast<double>(end_ - next_)};
      return;
    }
    int64_t length = 0;
    next_ = doubles(0, "numbers", length);
    if (length < count) throw Fault{"BAD_TYPE", "numbers", "a Float64Array of " + std::to_string(count), static_cast<double>(length)};
  }
  const double* doubles(size_t index, const char* name, int64_t& length) const {
    napi_typedarray_type type;
    size_t count = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(env_, values_[index], &type, &count, &data, nullptr, nullptr) != napi_ok || type != napi_float64_array)
      throw Fault{"BAD_TYPE", name, "a Float64Array", 0};
    length = static_cast<int64_t>(count);
    return static_cast<const double*>(data);
  }
  double number() { return *next_++; }
  bool flag() { return number() != 0; }
  int64_t size(const char* name) {
    const double value = number();
    if (!(value >= 0 && value <= 9007199254740991.0) || value != static_cast<double>(static_cast<int64_t>(value)))
      throw Fault{"OUT_OF_RANGE", name, "a whole number from 0 to 2^53 − 1", value};
    return static_cast<int64_t>(value);
  }
  etalon_activation activation() {
    const double value = number();
    if (!(value >= 0 && value <= static_cast<double>(ETALON_ACTIVATION_GELU_ERF))) throw Fault{"OUT_OF_RANGE", "activation", "none, relu, silu, gelu-tanh, gelu-erf", value};
    return static_cast<etalon_activation>(static_cast<int>(value));
  }
  void skip(int count) { next_ += count; }
  /** Those of a step's numbers that were not read yet. */
  const double* rest(int64_t& count) const {
    count = pieces_ ? end_ - next_ : 0;
    return next_;
  }

  bool given(size_t index) const {
    if (pieces_) return index < count_ && pieces_[index - 1].data;
    napi_valuetype type;
    return index < count_ && napi_typeof(env_, values_[index], &type) == napi_ok && type != napi_null && type != napi_undefined;
  }
  /** Elements [offset, end) of an array; null where it is not given. */
  float* floats(size_t index, const char* name, int64_t offset, Wide end) const { return given(index) ? floats_of(index, name, offset, end) : nullptr; }
  float* floats(size_t index, const char* name, Wide end) const { return floats(index, name, 0, end); }
  /** One that must be there. */
  float* needed(size_t index, const char* name, int64_t offset, Wide end) const {
    if (!given(index)) throw Fault{"BAD_TYPE", name, "a Float32Array", 0};
    return floats_of(index, name, offset, end);
  }
  float* needed(size_t index, const char* name, Wide end) const { return needed(index, name, 0, end); }
  /** All of one that must be there. */
  Array whole(size_t index, const char* name) const {
    needed(index, name, 0);
    const auto [data, length] = piece(index, name);
    return {napi_float32_array, data, length};
  }

  const uint16_t* words(size_t index, const char* name, int64_t& length) const {
    napi_typedarray_type type;
    size_t count = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(env_, values_[index], &type, &count, &data, nullptr, nullptr) != napi_ok || type != napi_uint16_array)
      throw Fault{"BAD_TYPE", name, "a Uint16Array", 0};
    length = static_cast<int64_t>(count);
    return static_cast<const uint16_t*>(data);
  }

  /** A list of float arrays, their lengths taken or compared. */
  std::vector<float*> list(size_t index, const char* name, std::vector<int64_t>& lengths, bool compare) const {
    uint32_t count = 0;
    if (napi_get_array_length(env_, values_[index], &count) != napi_ok) throw Fault{"BAD_TYPE", name, "an array of Float32Arrays", 0};
    if (compare && count != lengths.size()) throw Fault{"BAD_SHAPE", std::string("length of ") + name, std::to_string(lengths.size()), static_cast<double>(count)};
    std::vector<float*> arrays(count);
    if (!compare) lengths.resize(count);
    for (uint32_t i = 0; i < count; ++i) {
      napi_handle_scope scope;
      napi_open_handle_scope(env_, &scope);
      napi_value element;
      napi_get_element(env_, values_[index], i, &element);
      const std::string one = std::string(name) + "[" + std::to_string(i) + "]";
      int64_t length = 0;
      arrays[i] = memory(element, one.c_str(), length);
      napi_close_handle_scope(env_, scope);
      if (!compare)
        lengths[i] = length;
      else if (length != lengths[i])
        throw Fault{"BAD_SHAPE", "length of " + one, std::to_string(lengths[i]), static_cast<double>(length)};
    }
    return arrays;
  }

  void settle(etalon_status status) const {
    if (status != ETALON_OK) throw Instance::failure(Napi::Env(env_), status, etalon_last_error(ctx_));
  }

 private:
  float* memory(napi_value value, const char* name, int64_t& length) const {
    napi_typedarray_type type;
    size_t count = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(env_, value, &type, &count, &data, nullptr, nullptr) != napi_ok || type != napi_float32_array)
      throw Fault{"BAD_TYPE", name, "a Float32Array", 0};
    length = static_cast<int64_t>(count);
    static float empty;
    return count ? static_cast<float*>(data) : &empty;
  }
  Piece piece(size_t index, const char* name) const {
    if (pieces_) return pieces_[index - 1];
    Piece found;
    found.data = memory(values_[index], name, found.length);
    return found;
  }
  float* floats_of(size_t index, const char* name, int64_t offset, Wide end) const {
    const auto [data, length] = piece(index, name);
    if (end > length) throw Fault{"BAD_SHAPE", std::string("length of ") + name, "at least " + std::to_string(static_cast<int64_t>(end < INT64_MAX ? end : INT64_MAX)), static_cast<double>(length)};
    return offset < length ? data + offset : data;   // an empty window may begin anywhere
  }

  napi_env env_;
  size_t count_ = kMost;
  napi_value values_[kMost];
  const Piece* pieces_ = nullptr;   // where a program calls
  void* kernel_ = nullptr;
  etalon_context* ctx_ = nullptr;
  const double* next_ = nullptr;
  const double* end_ = nullptr;     // of the numbers of a step
};

/** A kernel by its name in JavaScript, that may be called alone and as a step of a program. */
struct Kernel {
  const char* name;
  void (*body)(Call&);
};

/** Where a window of `matrices` times [rows, columns] ends. */
inline Wide end_of(int64_t offset, int64_t matrices, int64_t stride, int64_t rows, int64_t ld, int64_t columns) {
  if (matrices == 0 || rows == 0 || columns == 0) return 0;
  return Wide(offset) + Wide(matrices - 1) * stride + Wide(rows - 1) * ld + columns;
}

/** A product of sizes, or one beyond all memory. */
inline Wide count_of(std::initializer_list<int64_t> sizes) {
  Wide count = 1;
  for (const int64_t size : sizes) {
    if (size == 0) return 0;
    count = count > (Wide(1) << 62) / size ? Wide(1) << 62 : count * size;
  }
  return count;
}

inline void throw_fault(napi_env env, const Fault& fault) {
  Napi::Error error = Napi::Error::New(Napi::Env(env), fault.argument + " is not " + fault.allowed);
  error.Set("code", fault.code);
  error.Set("argument", fault.argument);
  error.Set("value", fault.value);
  error.Set("allowed", fault.allowed);
  error.ThrowAsJavaScriptException();
}

/** A kernel as N-API calls it; nothing is thrown across. */
template <typename Body>
napi_value guarded(napi_env env, napi_callback_info info, Body&& body) {
  try {
    Call call(env, info);
    return body(call);
  } catch (const Fault& fault) {
    throw_fault(env, fault);
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
  } catch (const std::exception& error) {
    Napi::Error::New(Napi::Env(env), error.what()).ThrowAsJavaScriptException();
  }
  return nullptr;
}
template <napi_value (*Body)(Call&, napi_env)>
napi_value entry(napi_env env, napi_callback_info info) {
  return guarded(env, info, [env](Call& call) { return Body(call, env); });
}
/** Adds a function under its name in JavaScript. */
inline void add(Napi::Env env, Napi::Object functions, const char* name, napi_callback callback, const Kernel* kernel = nullptr) {
  napi_value function;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, const_cast<Kernel*>(kernel), &function) != napi_ok) throw Napi::Error::New(env);
  functions.Set(name, Napi::Value(env, function));
}
/** Adds a kernel of a table, which lives as long as the process. */
inline void add(Napi::Env env, Napi::Object functions, const Kernel& kernel) {
  add(env, functions, kernel.name, [](napi_env at, napi_callback_info info) {
    return guarded(at, info, [](Call& call) -> napi_value { return static_cast<const Kernel*>(call.kernel())->body(call), nullptr; });
  }, &kernel);
}
}  // namespace etalon::addon
