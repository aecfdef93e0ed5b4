#include "cpu/context.h"

using namespace etalon::cpu;

extern "C" etalon_status etalon_normal(etalon_context* ctx, const etalon_noise_key* key, int64_t batch, int64_t dim, float* out) {
  return guarded(ctx, [&] {
    check_sizes(batch, dim);
    check_key(key);
    require(out, "out is NULL");
    for_chunks(*ctx, batch, dim, [&](const Place& place) { ctx->kernels->normal(noise_of(*key, place), place.count, out + place.at); });
  });
}
