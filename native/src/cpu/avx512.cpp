#define ETALON_KERNELS avx512
#include "cpu/kernels.inc"
