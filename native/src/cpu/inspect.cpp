#include <cstring>
#include <mutex>

#include "cpu/context.h"

using namespace etalon;
using namespace etalon::cpu;

namespace {
constexpr int64_t kPiece = core::kSumChunk;

/** The pieces of an array, as float32. */
struct Pieces {
  const Kernels& kernels;
  etalon_dtype type;
  const void* data;
  int64_t count;
  float smallest;   // of the normal numbers of that type

  etalon_findings of(int64_t piece) const {
    const int64_t first = piece * kPiece, left = count - first;
    const Place place{0, first, first, piece, static_cast<int>(left < kPiece ? left : kPiece)};
    etalon_findings found = ETALON_FINDINGS_INIT;
    kernels.inspect(Widened(kernels, type, data, place), place.count, smallest, found);
    if (found.nans + found.infinities + found.subnormals > 0) locate(place, found);
    return found;
  }

 private:
  void locate(const Place& place, etalon_findings& found) const {
    const Widened numbers(kernels, type, data, place);
    for (int i = place.count - 1; i >= 0; --i) {
      float value;
      std::memcpy(&value, static_cast<const float*>(numbers) + i, sizeof value);
      if (std::isnan(value))
        found.first_nan = place.at + i;
      else if (std::isinf(value))
        found.first_infinity = place.at + i;
      else if (value != 0 && std::fabs(value) < smallest)
        found.first_subnormal = place.at + i;
    }
  }
};

void join(etalon_findings& all, const etalon_findings& more) {
  const auto earlier = [](int64_t& first, int64_t other) {
    if (other >= 0 && (first < 0 || other < first)) first = other;
  };
  all.nans += more.nans;
  all.infinities += more.infinities;
  all.subnormals += more.subnormals;
  earlier(all.first_nan, more.first_nan);
  earlier(all.first_infinity, more.first_infinity);
  earlier(all.first_subnormal, more.first_subnormal);
}
}  // namespace

extern "C" etalon_status etalon_inspect(etalon_context* ctx, etalon_dtype type, const void* data, int64_t count, etalon_findings* findings) {
  return guarded(ctx, [&] {
    check_type(type, "type is no etalon_dtype");
    require(count >= 0 && (data || count == 0), "count is negative, or data is NULL");
    require(findings && findings->struct_size >= sizeof(etalon_findings), "findings is NULL or not set by ETALON_FINDINGS_INIT");
    const Pieces pieces{*ctx->kernels, type, data, count, type == ETALON_FLOAT16 ? 0x1p-14f : 0x1p-126f};
    const int64_t total = (count + kPiece - 1) / kPiece, tasks = (total + kChunksPerTask - 1) / kChunksPerTask;
    etalon_findings all = ETALON_FINDINGS_INIT;
    std::mutex guard;
    parallel(total < kInlineChunks ? 1 : ctx->threads, tasks, [&](int64_t task) {
      etalon_findings mine = ETALON_FINDINGS_INIT;
      const int64_t end = (task + 1) * kChunksPerTask < total ? (task + 1) * kChunksPerTask : total;
      for (int64_t piece = task * kChunksPerTask; piece < end; ++piece) join(mine, pieces.of(piece));
      const std::lock_guard<std::mutex> lock(guard);
      join(all, mine);
    });
    *findings = all;
  });
}
