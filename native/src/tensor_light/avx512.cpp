#define ETALON_KERNELS avx512
#include "tensor_light/kernels.inc"
