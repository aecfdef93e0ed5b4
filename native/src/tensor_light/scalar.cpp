#define ETALON_KERNELS scalar
#include "tensor_light/kernels.inc"
