// Contexts for calls that run off the JavaScript thread: one a call, kept for the next.
#pragma once
#include <etalon/etalon.h>

#include <memory>
#include <mutex>
#include <vector>

namespace etalon::addon {
class Contexts {
 public:
  struct Destroy {
    void operator()(etalon_context* ctx) const { etalon_context_destroy(ctx); }
  };
  using Context = std::unique_ptr<etalon_context, Destroy>;

  /** Null where none can be made: etalon_last_error(NULL) explains, on this thread. */
  Context take() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!idle_.empty()) {
        Context ctx = std::move(idle_.back());
        idle_.pop_back();
        return ctx;
      }
    }
    etalon_context* made = nullptr;
    etalon_context_create(&made);
    return Context(made);
  }
  void give(Context ctx) {
    const std::lock_guard<std::mutex> lock(mutex_);
    idle_.push_back(std::move(ctx));
  }

 private:
  std::mutex mutex_;
  std::vector<Context> idle_;
};
}  // namespace etalon::addon
