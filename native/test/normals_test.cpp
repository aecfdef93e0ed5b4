// The noise as numbers of N(0, 1): moments, Kolmogorov-Smirnov, tails, and no correlation between neighbours, steps, samples and seeds. Every bound is four standard
// errors (for the rare counts: a Poisson probability as small); the numbers are the same for ever, so a pass is for ever.
//   normals_test             4 million numbers, for CI
//   normals_test 100000000   the full test
#include "support/check.h"

namespace {
constexpr int64_t kPiece = int64_t{1} << 20;

std::vector<float> normals(const Context& context, uint64_t seed, uint32_t step, uint32_t sample, int64_t count) {
  std::vector<float> z(static_cast<size_t>(count));
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  key.seed = seed, key.step = step, key.samples = &sample;
  expect(etalon_normal(context.ctx, &key, 1, count, z.data()) == ETALON_OK, etalon_last_error(context.ctx));
  return z;
}

void within(const std::string& what, double value, double expected, double variance, double n) {
  const double error = std::sqrt(variance / n), off = (value - expected) / error;
  std::printf("%-34s %12.3e from %-8.4g %+.2f standard errors\n", what.c_str(), value - expected, expected, off);
  expect(std::fabs(off) <= 4, what.c_str(), 0, value, expected);
}

/** The chance that a Poisson count of this mean is as far out as `count`, on its side. */
double poisson_tail(int64_t count, double mean) {
  double below = 0, term = std::exp(-mean);
  for (int64_t k = 0; k <= count; ++k) {
    below += term;
    term *= mean / static_cast<double>(k + 1);
  }
  const double at = term * static_cast<double>(count + 1) / mean;
  return std::min(below, 1 - below + at);
}

/** One stream: moments, the whole distribution, tails, neighbours. */
void stream(const Context& context, int64_t count) {
  double power[5] = {}, lagged[9] = {}, n = 0;
  constexpr int kBins = 1 << 20;
  std::vector<int64_t> bins(kBins);
  const double tails[] = {3, 3.5, 4, 4.5, 5, 5.5};
  int64_t beyond[6] = {};
  for (int64_t piece = 0; piece * kPiece < count; ++piece) {
    const std::vector<float> z = normals(context, 2026, 1, static_cast<uint32_t>(piece), std::min(kPiece, count - piece * kPiece));
    double sum[5] = {}, near[9] = {};
    for (size_t i = 0; i < z.size(); ++i) {
      const double v = z[i];
      double p = 1;
      for (double& s : sum) s += p, p *= v;
      for (size_t lag = 1; lag <= 8; ++lag) near[lag] += i + lag < z.size() ? v * z[i + lag] : 0;
      const double phi = 0.5 * std::erfc(-v * std::sqrt(0.5));
      ++bins[static_cast<size_t>(std::min(kBins - 1.0, phi * kBins))];
      for (int t = 0; t < 6; ++t) beyond[t] += std::fabs(v) > tails[t];
    }
    for (int k = 0; k < 5; ++k) power[k] += sum[k];
    for (int lag = 1; lag <= 8; ++lag) lagged[lag] += near[lag];
  }
  n = power[0];
  within("mean", power[1] / n, 0, 1, n);
  within("second moment", power[2] / n, 1, 2, n);
  within("third moment (skew)", power[3] / n, 0, 15, n);
  within("fourth moment (kurtosis)", power[4] / n, 3, 96, n);
  for (int lag = 1; lag <= 8; ++lag) within("neighbours at lag " + std::to_string(lag), lagged[lag] / n, 0, 1, n);
  double distance = 0, seen = 0;
  for (int bin = 0; bin < kBins; ++bin) {
    seen += static_cast<double>(bins[static_cast<size_t>(bin)]);
    distance = std::max(distance, std::fabs(seen / n - (bin + 1.0) / kBins));
  }
  std::printf("Kolmogorov-Smirnov √n·D = %.3f (1 %% of good streams exceed 1.63)\n", distance * std::sqrt(n));
  expect(distance * std::sqrt(n) < 1.63, "Kolmogorov-Smirnov", 0, distance * std::sqrt(n), 1.63);
  for (int t = 0; t < 6; ++t) {
    const double share = std::erfc(tails[t] * std::sqrt(0.5)), mean = share * n;
    if (mean > 100) {
      within("share beyond " + std::to_string(tails[t]).substr(0, 3) + " sigma", static_cast<double>(beyond[t]) / n, share, share * (1 - share), n);
    } else {
      const double chance = poisson_tail(beyond[t], mean);
      std::printf("beyond %.1f sigma: %lld, expected %.2f\n", tails[t], static_cast<long long>(beyond[t]), mean);
      expect(chance > 3.2e-5, "tail count", t, static_cast<double>(beyond[t]), mean);
    }
  }
}

/** Streams whose names differ in one place share nothing. */
void pairs(const Context& context, int64_t count) {
  const std::vector<float> base = normals(context, 5, 7, 9, count);
  const struct {
    const char* name;
    uint64_t seed;
    uint32_t step, sample;
  } others[] = {{"next seed", 6, 7, 9},   {"seed with one high bit", 5 + (uint64_t{1} << 63), 7, 9}, {"next step", 5, 8, 9}, {"step with one high bit", 5, 7 + (1u << 31), 9},
                {"next sample", 5, 7, 10}, {"sample with one high bit", 5, 7, 9 + (1u << 31)},         {"step and sample swapped", 5, 9, 7}};
  for (const auto& other : others) {
    const std::vector<float> z = normals(context, other.seed, other.step, other.sample, count);
    double product = 0, squares = 0;
    for (size_t i = 0; i < z.size(); ++i) product += double(z[i]) * base[i], squares += (double(z[i]) * z[i] - 1) * (double(base[i]) * base[i] - 1);
    within(other.name, product / static_cast<double>(count), 0, 1, static_cast<double>(count));
    within(std::string(other.name) + ", squares", squares / static_cast<double>(count), 0, 4, static_cast<double>(count));
  }
}
}  // namespace

int main(int argc, char** argv) {
  const int64_t count = argc > 1 ? std::atoll(argv[1]) : 4'000'000;
  const Context context(etalon_available_target(0), 2);
  stream(context, count);
  pairs(context, std::min(count, int64_t{20'000'000}));
  std::printf("%lld numbers, %d failures\n", static_cast<long long>(count), failures);
  return failures ? 1 : 0;
}
