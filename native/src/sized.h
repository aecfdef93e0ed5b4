// Structs of the C interface that begin with their size: a caller built with an older header has a shorter one.
#pragma once
#include <cstddef>
#include <cstring>

namespace etalon {
/** @param first  what a struct has had from the first release on, in bytes    @return whether `given` was set by its _INIT, of this header or an older one */
template <typename Struct>
bool sized(const Struct* given, size_t first) {
  return given && given->struct_size >= first;
}

/** The struct as this header has it: what the caller's lacks is as `init` sets it. */
template <typename Struct>
Struct completed(const Struct& given, Struct init) {
  std::memcpy(&init, &given, given.struct_size < sizeof init ? given.struct_size : sizeof init);
  init.struct_size = sizeof init;
  return init;
}
}  // namespace etalon
