#pragma once
#include <string>

namespace etalon::tf {
/**
 * Registers EtalonStep, EtalonLogProb and EtalonPolicyGradient with the TensorFlow of this process, for the CPU and, in a build with CUDA, for the GPU. Registering twice
 * would abort the process: later calls, from other threads and from other copies of this library too, do nothing.
 * @return "", or why it cannot be; then a later call may try again
 */
std::string register_ops();
/** Whether this build has the GPU's kernels. */
bool has_gpu();
}  // namespace etalon::tf
