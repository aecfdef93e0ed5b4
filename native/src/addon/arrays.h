// Typed arrays as the tensor kernels take them.
#pragma once
#include <napi.h>

#include <cstdint>
#include <string>

namespace etalon::addon {
/** A typed array's memory. A detached array has length 0. */
struct Array {
  napi_typedarray_type type;
  void* data;
  int64_t length;

  Array(napi_typedarray_type type, void* data, int64_t length) : type(type), data(data), length(length) {}
  Array(const Napi::Value& value, const char* name) {
    void* memory = nullptr;
    size_t count = 0;
    if (napi_get_typedarray_info(value.Env(), value, &type, &count, &memory, nullptr, nullptr) != napi_ok)
      throw Napi::TypeError::New(value.Env(), std::string(name) + " is no typed array");
    data = memory;
    length = static_cast<int64_t>(count);
  }
  Array(const Napi::Value& value, const char* name, napi_typedarray_type wanted) : Array(value, name) {
    if (type != wanted) throw Napi::TypeError::New(value.Env(), std::string(name) + " is a typed array of another kind");
  }
  /** Bytes an element. */
  int bytes() const { return type == napi_uint8_array ? 1 : type == napi_uint16_array ? 2 : 4; }
  bool shares(const Array& other) const {
    const char* a = static_cast<const char*>(data);
    const char* b = static_cast<const char*>(other.data);
    return length > 0 && other.length > 0 && a < b + other.length * other.bytes() && b < a + length * bytes();
  }
};

inline void require(Napi::Env env, bool holds, const char* message) {
  if (!holds) throw Napi::RangeError::New(env, message);
}
inline void require(const Napi::CallbackInfo& info, bool holds, const char* message) { require(info.Env(), holds, message); }

/** A whole number ≥ 0 that is exact in a double. */
inline int64_t extent(const Napi::CallbackInfo& info, size_t index) {
  double value = -1;
  if (napi_get_value_double(info.Env(), info[index], &value) != napi_ok || !(value >= 0 && value <= 9007199254740991.0))
    throw Napi::RangeError::New(info.Env(), "an extent is no whole number from 0 to 2^53 - 1");
  return static_cast<int64_t>(value);
}
}  // namespace etalon::addon
