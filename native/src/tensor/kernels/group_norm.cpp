#include "tensor/kernels/activation.h"
#include "tensor/kernels/rows.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
namespace {
constexpr int64_t kPixels = 32;   // of a chunk

/** Sums of each channel over chunks of pixels, and sums of squares about the chunk's own mean: exact also where the mean is large, and x is read from memory once. */
void moments(const Work& work, const etalon_group_norm_args& args, float* mean, float* rstd) {
  const int64_t c = args.channels, chunks = blocks(args.pixels, kPixels), width = c / args.groups;
  float* const parts = work.arena.take(args.batch * chunks * 2 * c);
  cpu::parallel(threads_for(work, args.batch * args.pixels * c), args.batch * chunks, [&](int64_t task) {
    const int64_t first = task % chunks * kPixels, pixels = least(kPixels, args.pixels - first);
    const float* const x = args.x + (task / chunks * args.pixels + first) * c;
    float *const sums = parts + task * 2 * c, *const squares = sums + c;
    const float inverse = 1.0f / static_cast<float>(pixels);
    each_vector(c, [&](int64_t i, int lanes) {
      vf sum[2] = {};
      for (int64_t p = 0; p < pixels; ++p) sum[p & 1] += load_n(x + p * c + i, lanes);
      const vf total = sum[0] + sum[1], about = total * inverse;
      vf square[2] = {};
      for (int64_t p = 0; p < pixels; ++p) {
        const vf centred = load_n(x + p * c + i, lanes) - about;
        square[p & 1] += centred * centred;
      }
      store_n(sums + i, total, lanes);
      store_n(squares + i, square[0] + square[1], lanes);
    });
  });
  cpu::parallel(threads_for(work, args.batch * chunks * c), args.batch * args.groups, [&](int64_t task) {
    const int64_t b = task / args.groups, first = task % args.groups * width;
    double total = 0, squares = 0;
    const double count = static_cast<double>(args.pixels) * static_cast<double>(width);
    for (int64_t t = 0; t < chunks; ++t)
      for (int64_t i = first; i < first + width; ++i) total += static_cast<double>(parts[(b * chunks + t) * 2 * c + i]);
    const double middle = total / count;
    for (int64_t t = 0; t < chunks; ++t) {
      const double pixels = static_cast<double>(least(kPixels, args.pixels - t * kPixels));
      const float* const part = parts + (b * chunks + t) * 2 * c;
      for (int64_t i = first; i < first + width; ++i) {
        const double off = static_cast<double>(part[i]) / pixels - middle;
        squares += static_cast<double>(part[c + i]) + pixels * off * off;
      }
    }
    mean[task] = static_cast<float>(middle);
    rstd[task] = static_cast<float>(1.0 / __builtin_sqrt(squares / count + static_cast<double>(args.epsilon)));
  });
}

/** A group's number for each of its channels, [batch, channels]. */
void spread(const float* groups, int64_t batch, int64_t count, int64_t width, float* channels) {
  for (int64_t g = 0; g < batch * count; ++g)
    for (int64_t i = 0; i < width; ++i) channels[g * width + i] = groups[g];
}
}  // namespace

void group_norm(const Work& work, const etalon_group_norm_args& args) {
  const int64_t c = args.channels, width = c / args.groups;
  if (args.batch * args.pixels * c == 0) return;
  float* const mean = args.mean ? args.mean : work.arena.take(args.batch * args.groups);
  float* const rstd = args.rstd ? args.rstd : work.arena.take(args.batch * args.groups);
  moments(work, args, mean, rstd);
  float *const means = work.arena.take(args.batch * c), *const factors = work.arena.take(args.batch * c);
  spread(mean, args.batch, args.groups, width, means);
  spread(rstd, args.batch, args.groups, width, factors);
  if (args.gain)
    for (int64_t b = 0; b < args.batch; ++b)
      for (int64_t i = 0; i < c; ++i) factors[b * c + i] *= args.gain[i];
  each_rows(work, args.batch * args.pixels, c, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const int64_t b = r / args.pixels * c;
      each_vector(c, [&](int64_t i, int lanes) {
        vf y = (load_n(args.x + r * c + i, lanes) - load_n(means + b + i, lanes)) * load_n(factors + b + i, lanes);
        if (args.bias) y += load_n(args.bias + i, lanes);
        store_n(args.y + r * c + i, args.silu ? Silu::value(y) : y, lanes);
      });
    }
  });
}

void group_norm_gradients(const Work& work, const etalon_group_norm_gradients_args& args) {
  const int64_t c = args.channels, width = c / args.groups, batch = args.batch;
  float *const means = work.arena.take(batch * c), *const rstds = work.arena.take(batch * c);
  spread(args.mean, batch, args.groups, width, means);
  spread(args.rstd, batch, args.groups, width, rstds);
  const auto normal = [&](int64_t r, int64_t b, int64_t i, int lanes) {
    return (load_n(args.x + r * c + i, lanes) - load_n(means + b * c + i, lanes)) * load_n(rstds + b * c + i, lanes);
  };
  /** ∂ by what goes into SiLU. */
  const auto inner = [&](int64_t r, int64_t i, int lanes, vf n) {
    const vf g = load_n(args.dy + r * c + i, lanes);
    if (!args.silu) return g;
    if (args.gain) n *= load_n(args.gain + i, lanes);
    if (args.bias) n += load_n(args.bias + i, lanes);
    return g * Silu::slope(n);
  };
  // Sums over the pixels of ∂ and of ∂·normalised, [batch, channels]: the gains' and biases' gradients, and with the gain each group's means.
  float *const plain = work.arena.take(batch * c), *const along = work.arena.take(batch * c);
  RowSums<2> sums(work, batch, args.pixels, c, {{plain, c}, {along, c}});
  sums.run([&](int64_t b, int64_t first, int64_t last, float* const (&to)[2]) {
    for (int64_t r = b * args.pixels + first; r < b * args.pixels + last; ++r)
      each_vector(c, [&](int64_t i, int lanes) {
        const vf n = normal(r, b, i, lanes), g = inner(r, i, lanes, n);
        store_n(to[0] + i, load_n(to[0] + i, lanes) + g, lanes);
        store_n(to[1] + i, load_n(to[1] + i, lanes) + g * n, lanes);
      });
  });
  const auto over_batch = [&](const float* of, float* to) {
    if (to)
      for (int64_t i = 0; i < c; ++i) {
        float total = 0;
        for (int64_t b = 0; b < batch; ++b) total += of[b * c + i];
        to[i] = total;
      }
  };
  over_batch(along, args.d_gain);
  over_batch(plain, args.d_bias);
  if (!args.dx) return;
  const float inverse = 1.0f / (static_cast<float>(args.pixels) * static_cast<float>(width));
  for (int64_t g = 0; g < batch * args.groups; ++g) {
    float meanPlain = 0, meanAlong = 0;
    for (int64_t i = 0; i < width; ++i) {
      const float gain = args.gain ? args.gain[g % args.groups * width + i] : 1.0f;
      meanPlain += plain[g * width + i] * gain;
      meanAlong += along[g * width + i] * gain;
    }
    for (int64_t i = 0; i < width; ++i) plain[g * width + i] = meanPlain * inverse, along[g * width + i] = meanAlong * inverse;
  }
  each_rows(work, batch * args.pixels, c, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const int64_t b = r / args.pixels;
      each_vector(c, [&](int64_t i, int lanes) {
        const vf n = normal(r, b, i, lanes), g = inner(r, i, lanes, n), slope = args.gain ? g * load_n(args.gain + i, lanes) : g;
        vf value = (slope - load_n(plain + b * c + i, lanes) - n * load_n(along + b * c + i, lanes)) * load_n(rstds + b * c + i, lanes);
        if (args.residual) value += load_n(args.residual + r * c + i, lanes);
        store_n(args.dx + r * c + i, value, lanes);
      });
    }
  });
}
}  // namespace etalon::tensor::ETALON_TARGET
