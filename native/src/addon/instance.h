// What the addon's files share: the context of a JavaScript environment, and a status as a JavaScript error.
#pragma once
#include <etalon/etalon.h>
#include <napi.h>

#include <memory>
#include <string>

#include "addon/contexts.h"

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

  /** Shared with the calls in progress, which may outlive the environment's own data. */
  const std::shared_ptr<Contexts>& contexts() const { return contexts_; }

 private:
  etalon_context* ctx_ = nullptr;
  const std::shared_ptr<Contexts> contexts_ = std::make_shared<Contexts>();
};

inline etalon_context* context(const Napi::CallbackInfo& info) { return info.Env().GetInstanceData<Instance>()->context(info.Env()); }

inline void settle(const Napi::CallbackInfo& info, etalon_status status) {
  if (status != ETALON_OK) throw Instance::failure(info.Env(), status, etalon_last_error(context(info)));
}
}  // namespace etalon::addon
