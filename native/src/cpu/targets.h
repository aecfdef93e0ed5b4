// Which of the compiled targets this processor runs.
#pragma once
#include <string>
#include <vector>

#include "cpu/kernels.h"

namespace etalon::cpu {
/** The targets that run here, best first; never empty. */
const std::vector<const Kernels*>& targets();
/** A target by its name; null where it does not run here. */
const Kernels* find_target(const std::string& name);
}  // namespace etalon::cpu
