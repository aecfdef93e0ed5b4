// src/cuda for the CPU: the very files that nvcc compiles, under -include cuda_emulation.h.
#include "../../src/cuda/api.cu"
#include "../../src/cuda/log_prob.cu"
#include "../../src/cuda/normal.cu"
#include "../../src/cuda/policy_gradient.cu"
#include "../../src/cuda/rollout.cu"
