#define ETALON_KERNELS neon
#include "cpu/kernels.inc"
