// ETALON_HD marks a function of one element: host and device, always inlined, so that no out-of-line copy compiled for one CPU can be linked into another's.
#pragma once
#if defined(__CUDACC__)
#define ETALON_HD __host__ __device__ __attribute__((always_inline))
#elif defined(__GNUC__)
#define ETALON_HD __attribute__((always_inline))
#elif defined(_MSC_VER)
#define ETALON_HD __forceinline
#else
#define ETALON_HD
#endif
