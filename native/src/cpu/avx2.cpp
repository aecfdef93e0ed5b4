#define ETALON_KERNELS avx2
#include "cpu/kernels.inc"
