#define ETALON_KERNELS avx2
#include "tensor_light/kernels.inc"
