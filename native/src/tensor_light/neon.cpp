#define ETALON_KERNELS neon
#include "tensor_light/kernels.inc"
