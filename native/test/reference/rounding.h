// What a 16-bit number stands for, and the nearest one to a number, by powers of two and the C library: the truth for core/float16.h. Includes nothing of src/.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

namespace reference {
/** A format: bits of the fraction, exponent of the least normal number, largest finite number. */
struct Format {
  int fraction, least;
  double most;
};
constexpr Format kBfloat16{7, -126, 0x1.FEp127}, kFloat16{10, -14, 65504};

inline double value_of(const Format& f, uint16_t word) {
  const int exponent = (word & 0x7FFF) >> f.fraction, fraction = word & ((1 << f.fraction) - 1), special = 0x7FFF >> f.fraction;
  const double sign = word & 0x8000 ? -1 : 1;
  if (exponent == special) return fraction ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  const double mantissa = (exponent ? std::ldexp(1.0, f.fraction) : 0) + fraction;
  return sign * std::ldexp(mantissa, f.least - f.fraction + (exponent ? exponent - 1 : 0));
}

/** To nearest, ties to even: what `value` becomes when stored. */
inline double rounded(const Format& f, double value) {
  if (value == 0 || !std::isfinite(value)) return value;
  const int exponent = std::ilogb(value), unit = (exponent < f.least ? f.least : exponent) - f.fraction;
  const double near = std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
  return std::fabs(near) > f.most ? std::copysign(std::numeric_limits<double>::infinity(), value) : near;
}
}  // namespace reference
