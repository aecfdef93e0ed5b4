#define ETALON_KERNELS scalar
#include "cpu/kernels.inc"
