// etalon_mpi.node: the ranks of a data-parallel run. One session a process, in the JavaScript environment that opened it; lib/mpi/MpiBinding.ts is its typed picture.
// A call is read on the JavaScript thread, run on the communication thread, settled on the JavaScript thread again.
#include <napi.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "mpi/agreement.h"
#include "mpi/collectives.h"
#include "mpi/ranks.h"
#include "mpi/worker.h"

namespace {
using etalon::mpi::MpiTransport;
using etalon::mpi::Ranks;

/** A call under way: its arguments are held until its promise settles. */
struct Call {
  Napi::Promise::Deferred deferred;
  Napi::ObjectReference kept;
  std::function<void(Ranks&)> run;                             // communication thread
  std::function<Napi::Value(Napi::Env)> answer = [](Napi::Env env) { return env.Undefined(); };   // JavaScript thread
  std::string failure = {};
  const char* code = "ETALON_MPI";   // of the failure
};

/** MPI is the process's: so is this. It is never taken down but by finalise, since the process may end at any time with a call under way. */
class Session {
 public:
  explicit Session(Napi::Env env)
      : settle_(Napi::ThreadSafeFunction::New(env, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}), "etalon_mpi", 0, 1)) {
    settle_.Unref(env);
  }

  /** Runs a call after those before it. Node stays alive for it. */
  void start(Napi::Env env, std::unique_ptr<Call> call) {
    if (pending_++ == 0) settle_.Ref(env);
    Call* const raw = call.release();
    worker_.submit([this, raw] {
      try {
        if (!ranks_) ranks_ = new Ranks;
        raw->run(*ranks_);
      } catch (const etalon::mpi::Refusal& refusal) {
        raw->failure = refusal.what();
        raw->code = "ETALON_REFUSED";
      } catch (const std::exception& error) {
        raw->failure = error.what();
      }
      settle_.BlockingCall(raw, [this](Napi::Env env, Napi::Function, Call* done) {
        const std::unique_ptr<Call> call(done);
        if (--pending_ == 0) settle_.Unref(env);
        if (call->failure.empty()) return call->deferred.Resolve(call->answer(env));
        Napi::Error error = Napi::Error::New(env, call->failure);
        error.Set("code", Napi::String::New(env, call->code));
        call->deferred.Reject(error.Value());
      });
    });
  }

  /** Ends all ranks; does not return. Any thread of the process but the communication thread. */
  [[noreturn]] void abort(int code) {
    // A call under way looks for this while it waits; with none, the job does it. MPI's calls stay on one thread.
    if (Ranks* const ranks = ranks_) {
      ranks->mpi().ask_abort(code);
      worker_.submit([ranks] { ranks->mpi().abort_if_asked(); });
      std::this_thread::sleep_for(std::chrono::seconds(10));
    }
    std::_Exit(code);
  }

  /** Ends MPI, and what stands on it, now, on the way out of a process that ends in order. */
  void finalise_at_exit() {
    worker_.submit([this] {
      if (Ranks* const ranks = ranks_) ranks->finalise();
    });
    worker_.stop();
  }

  /** Of MPI, what other threads may ask. */
  MpiTransport* mpi() {
    Ranks* const ranks = ranks_;
    return ranks ? &ranks->mpi() : nullptr;
  }

 private:
  Napi::ThreadSafeFunction settle_;
  int pending_ = 0;   // JavaScript thread
  std::atomic<Ranks*> ranks_{nullptr};   // made on the communication thread
  etalon::mpi::Worker worker_;
};

std::mutex owning;
Session* session = nullptr;   // the process's
napi_env owner = nullptr;

Session& mine(Napi::Env env) {
  const std::lock_guard<std::mutex> lock(owning);
  if (session == nullptr) {
    session = new Session(env);
    owner = env;
  }
  if (owner != static_cast<napi_env>(env)) throw Napi::Error::New(env, "another thread of this process has MPI");
  return *session;
}

Napi::Value begin(const Napi::CallbackInfo& info, Napi::Object kept, std::function<void(Ranks&)> run,
                  std::function<Napi::Value(Napi::Env)> answer = [](Napi::Env env) { return env.Undefined(); }) {
  auto call = std::make_unique<Call>(Call{Napi::Promise::Deferred::New(info.Env()), Napi::Persistent(kept), std::move(run), std::move(answer)});
  const Napi::Value promise = call->deferred.Promise();
  mine(info.Env()).start(info.Env(), std::move(call));
  return promise;
}

Napi::Value open(const Napi::CallbackInfo& info) {
  return begin(info, Napi::Object::New(info.Env()), [](Ranks&) {}, [](Napi::Env env) {
    const MpiTransport& transport = *session->mpi();
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("rank", transport.rank());
    answer.Set("size", transport.size());
    answer.Set("localRank", transport.local_rank());
    answer.Set("localSize", transport.local_size());
    Napi::Array hosts = Napi::Array::New(env);
    for (uint32_t rank = 0; rank < transport.hosts().size(); ++rank) hosts.Set(rank, transport.hosts()[rank]);
    answer.Set("hosts", hosts);
    return Napi::Value(answer);
  });
}

Napi::Value use_nccl(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  const auto about = std::make_shared<std::string>();
  return begin(info, Napi::Object::New(info.Env()), [=](Ranks& ranks) { *about = ranks.use_nccl(path); }, [=](Napi::Env env) { return Napi::Value(Napi::String::New(env, *about)); });
}

Napi::Value nccl_versions(const Napi::CallbackInfo& info) {
  try {
    return Napi::String::New(info.Env(), etalon::mpi::nccl_versions(info[0].As<Napi::String>()));
  } catch (const etalon::mpi::Failure& failure) {
    throw Napi::Error::New(info.Env(), failure.what());
  }
}

Napi::Value allreduce(const Napi::CallbackInfo& info) {
  const Napi::TypedArray values = info[0].As<Napi::TypedArray>();
  const size_t count = values.ElementLength();
  if (values.TypedArrayType() == napi_float32_array) {
    float* const data = values.As<Napi::Float32Array>().Data();
    return begin(info, values, [=](Ranks& ranks) { etalon::mpi::allreduce(ranks.carrier(), data, count); });
  }
  if (values.TypedArrayType() != napi_float64_array) throw Napi::TypeError::New(info.Env(), "values are no Float32Array or Float64Array");
  double* const data = values.As<Napi::Float64Array>().Data();
  return begin(info, values, [=](Ranks& ranks) { etalon::mpi::allreduce(ranks.carrier(), data, count); });
}

Napi::Value allgather(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  const uint8_t* const data = bytes.Data();
  const size_t count = bytes.ElementLength();
  const auto all = std::make_shared<std::vector<std::vector<uint8_t>>>();
  return begin(info, bytes, [=](Ranks& ranks) { *all = etalon::mpi::allgather(ranks.carrier(), data, count); }, [=](Napi::Env env) {
    Napi::Array answer = Napi::Array::New(env, all->size());
    for (uint32_t rank = 0; rank < all->size(); ++rank) {
      Napi::Uint8Array one = Napi::Uint8Array::New(env, (*all)[rank].size());
      std::copy((*all)[rank].begin(), (*all)[rank].end(), one.Data());
      answer.Set(rank, one);
    }
    return Napi::Value(answer);
  });
}

Napi::Value broadcast(const Napi::CallbackInfo& info) {
  Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  uint8_t* const data = bytes.Data();
  const size_t count = bytes.ElementLength();
  const int root = info[1].As<Napi::Number>().Int32Value();
  return begin(info, bytes, [=](Ranks& ranks) { etalon::mpi::broadcast(ranks.carrier(), data, count, root); });
}

Napi::Value barrier(const Napi::CallbackInfo& info) {
  return begin(info, Napi::Object::New(info.Env()), [](Ranks& ranks) { etalon::mpi::barrier(ranks.carrier()); });
}

/** Waits for all ranks before MPI ends: then none is left in a call. */
Napi::Value finalise(const Napi::CallbackInfo& info) {
  return begin(info, Napi::Object::New(info.Env()), [](Ranks& ranks) {
    etalon::mpi::barrier(ranks.carrier());
    ranks.finalise();
  });
}

void finalise_at_exit(const Napi::CallbackInfo& info) { mine(info.Env()).finalise_at_exit(); }
void abort_all(const Napi::CallbackInfo& info) { mine(info.Env()).abort(info[0].As<Napi::Number>().Int32Value()); }

Napi::Value waiting(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  MpiTransport* const transport = mine(env).mpi();
  const etalon::mpi::Waiting::Now now = transport ? transport->waiting().now() : etalon::mpi::Waiting::Now{0, "", {}};
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("seconds", now.seconds);
  answer.Set("what", now.what);
  Napi::Array ranks = Napi::Array::New(env);
  for (uint32_t i = 0; i < now.ranks.size(); ++i) ranks.Set(i, now.ranks[i]);
  answer.Set("ranks", ranks);
  return answer;
}

Napi::Value library(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), etalon::mpi::mpi_library()); }

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New<open>(env));
  exports.Set("useNccl", Napi::Function::New<use_nccl>(env));
  exports.Set("ncclVersions", Napi::Function::New<nccl_versions>(env));
  exports.Set("allreduce", Napi::Function::New<allreduce>(env));
  exports.Set("allgather", Napi::Function::New<allgather>(env));
  exports.Set("broadcast", Napi::Function::New<broadcast>(env));
  exports.Set("barrier", Napi::Function::New<barrier>(env));
  exports.Set("finalise", Napi::Function::New<finalise>(env));
  exports.Set("finaliseAtExit", Napi::Function::New<finalise_at_exit>(env));
  exports.Set("abort", Napi::Function::New<abort_all>(env));
  exports.Set("waiting", Napi::Function::New<waiting>(env));
  exports.Set("library", Napi::Function::New<library>(env));
  return exports;
}
}  // namespace

NODE_API_MODULE(etalon_mpi, init)
