// What the addon's files share: the context of a JavaScript environment, and a status as a JavaScript error.
#pragma once
#include <etalon/etalon.h>
#include <napi.h>

#include <string>

namespace etalon::addon {
/** One context a JavaScript environment: worker_threads may call at once. Its creation can fail, so it is made at the first call. */
class Instance {
 public:
  ~Instance() { etalon_context_destroy(ctx_); }
  etalon_context* context(Napi::Env env) {
    if (!ctx_ && etalon_context_create(&ctx_) != ETALON_OK) throw failure(env, ETALON_UNSUPPORTED, etalon_last_error(nullptr));
    return ctx_;
  }
  static Napi::Error failure(Napi::Env env, etalon_status status, const std::string& message) {
    Napi::Error error = Napi::Error::New(env, message);
    error.Set("code", Napi::String::New(env, etalon_status_name(status)));
    return error;
  }

 private:
  etalon_context* ctx_ = nullptr;
};

inline etalon_context* context(const Napi::CallbackInfo& info) { return info.Env().GetInstanceData<Instance>()->context(info.Env()); }
}  // namespace etalon::addon
