// A request run off the JavaScript thread: read on it, run on a worker of libuv's, settled on it again.
#pragma once
#include <string>
#include <utility>

#include "addon/instance.h"

namespace etalon::addon {
template <typename Request>
class Job : public Napi::AsyncWorker {
 public:
  /** Reads and queues. The arguments are kept alive until the promise settles. @return the promise */
  static Napi::Value start(const Napi::CallbackInfo& info) {
    Job* const job = new Job(info, Request(info));
    job->Queue();   // deletes itself when settled
    return job->deferred_.Promise();
  }

 protected:
  void Execute() override {   // worker thread: the C interface, nothing of N-API
    Contexts::Context ctx = contexts_->take();
    if (!ctx) {
      status_ = ETALON_UNSUPPORTED;
      message_ = etalon_last_error(nullptr);
      return;
    }
    etalon_set_threads(ctx.get(), threads_);
    status_ = request_.run(ctx.get());
    if (status_ != ETALON_OK) message_ = etalon_last_error(ctx.get());
    contexts_->give(std::move(ctx));
  }
  void OnOK() override {
    if (status_ == ETALON_OK)
      deferred_.Resolve(Env().Undefined());
    else
      deferred_.Reject(Instance::failure(Env(), status_, message_).Value());
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Job(const Napi::CallbackInfo& info, Request request)
      : Napi::AsyncWorker(info.Env(), "etalon"), deferred_(Napi::Promise::Deferred::New(info.Env())), request_(std::move(request)),
        contexts_(info.Env().GetInstanceData<Instance>()->contexts()), threads_(etalon_threads(context(info))) {
    const Napi::Array kept = Napi::Array::New(info.Env(), info.Length());
    for (uint32_t i = 0; i < info.Length(); ++i) kept.Set(i, info[i]);
    kept_ = Napi::Persistent(kept.As<Napi::Object>());
  }

  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference kept_;
  const Request request_;
  const std::shared_ptr<Contexts> contexts_;
  const int threads_;
  etalon_status status_ = ETALON_OK;
  std::string message_;
};
}  // namespace etalon::addon
