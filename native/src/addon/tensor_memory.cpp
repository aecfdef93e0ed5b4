// Memory of tensors: 64-byte aligned, seen by JavaScript as array buffers without a copy. One rule for who frees it: its Block, once; by release(buffer), which
// detaches the buffer first, so that no view of it reaches the memory any more, or when JavaScript has let go of the buffer.
#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_map>

#include "addon/tensor.h"

namespace etalon::addon {
namespace {
struct Block {
  void* data;
  int64_t bytes;
};

/** The process's blocks by their memory: worker threads have them too. */
class Blocks {
 public:
  static Blocks& get() {
    static Blocks* const blocks = new Blocks;   // never destroyed: finalizers run late
    return *blocks;
  }
  void add(Block* block) {
    std::lock_guard<std::mutex> lock(mutex_);
    blocks_[block->data] = block;
    bytes_ += block->bytes;
  }
  Block* find(void* data) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto at = blocks_.find(data);
    return at == blocks_.end() ? nullptr : at->second;
  }
  void free_once(Block* block) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!block->data) return;
    blocks_.erase(block->data);
    bytes_ -= block->bytes;
    std::free(block->data);
    block->data = nullptr;
  }
  int64_t bytes() {
    std::lock_guard<std::mutex> lock(mutex_);
    return bytes_;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<void*, Block*> blocks_;
  int64_t bytes_ = 0;
};

Napi::Value allocate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int64_t bytes = extent(info, 0);
  require(info, bytes > 0 && bytes % 64 == 0, "bytes is no multiple of 64 above 0");
  void* const data = std::aligned_alloc(64, static_cast<size_t>(bytes));
  if (!data) throw Instance::failure(env, ETALON_OUT_OF_MEMORY, "out of memory");
  auto* const block = new Block{data, bytes};
  Blocks::get().add(block);
  const auto finalize = [](napi_env, void*, void* hint) {
    Blocks::get().free_once(static_cast<Block*>(hint));
    delete static_cast<Block*>(hint);
  };
  napi_value buffer;
  const napi_status status = napi_create_external_arraybuffer(env, data, static_cast<size_t>(bytes), finalize, block, &buffer);
  if (status != napi_ok) {
    Blocks::get().free_once(block);
    delete block;
    throw Instance::failure(env, status == napi_no_external_buffers_allowed ? ETALON_UNSUPPORTED : ETALON_OUT_OF_MEMORY, "no external array buffer is to be had");
  }
  return Napi::Value(env, buffer);
}

void release(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  require(info, info[0].IsArrayBuffer(), "buffer is no array buffer");
  const Napi::ArrayBuffer buffer = info[0].As<Napi::ArrayBuffer>();
  require(info, !buffer.IsDetached(), "the buffer was released before");
  Block* const block = Blocks::get().find(const_cast<Napi::ArrayBuffer&>(buffer).Data());
  require(info, block != nullptr, "the buffer is not one that allocate gave");
  if (napi_detach_arraybuffer(env, buffer) != napi_ok) throw Napi::Error::New(env, "the buffer could not be detached");
  Blocks::get().free_once(block);
}

Napi::Value allocated(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<double>(Blocks::get().bytes())); }
}  // namespace

void init_tensor_memory(Napi::Env env, Napi::Object exports) {
  exports.Set("allocate", Napi::Function::New<allocate>(env));
  exports.Set("release", Napi::Function::New<release>(env));
  exports.Set("allocated", Napi::Function::New<allocated>(env));
}
}  // namespace etalon::addon
