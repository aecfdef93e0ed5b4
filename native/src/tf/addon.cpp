// etalon_tf.node: puts the ops into the TensorFlow that tfjs-node has loaded. lib/tfjs/ops.ts loads it, after tfjs-node.
#include <napi.h>

#include "tf/ops.h"

namespace {
/** register(): {gpu}; throws an Error that says why the ops cannot be registered. */
Napi::Value register_ops(const Napi::CallbackInfo& info) {
  const std::string failure = etalon::tf::register_ops();
  if (!failure.empty()) throw Napi::Error::New(info.Env(), failure);
  Napi::Object answer = Napi::Object::New(info.Env());
  answer.Set("gpu", etalon::tf::has_gpu());
  return answer;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("register", Napi::Function::New<register_ops>(env));
  return exports;
}
}  // namespace

NODE_API_MODULE(etalon_tf, init)
