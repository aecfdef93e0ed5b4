// The GPU of a rank.
#pragma once
#include <string>

#include "mpi/transport.h"

namespace etalon::nccl {
struct Device {
  int index;         // among those that this process sees
  std::string bus;   // its place on the PCI bus: "0000:3B:00.0"
};

/**
 * Takes one GPU a rank: its number on the machine, modulo the GPUs that its process sees (a launcher may show each rank its own alone). All ranks call it, on the communication thread: CUDA's current
 * device is the thread's.
 * @throws Refusal: a rank sees no GPU, or two ranks have the same, with which NCCL may hang
 */
Device choose_device(mpi::ProcessTransport& control);
}  // namespace etalon::nccl
