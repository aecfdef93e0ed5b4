// The targets of this build that this CPU can run, and the choice among them.
#pragma once
#include <string>

#include "cpu/kernels.h"

namespace etalon::cpu {
/** The index-th target this machine can run, best first; null past the last. */
const Kernels* available_target(int index);

/** The target to use: the best, or the one that `forced` names. Null where no such can run here; `error` says so. `forced` may be null or empty. */
const Kernels* choose_target(const char* forced, std::string& error);
}  // namespace etalon::cpu
