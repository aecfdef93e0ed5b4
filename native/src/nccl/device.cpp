#include "nccl/device.h"

#include <cuda_runtime.h>

#include "mpi/agreement.h"

namespace etalon::nccl {
namespace {
/** @returns what went wrong, "" where nothing did */
std::string take(int local_rank, Device& device) {
  int count = 0;
  cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) return std::string("CUDA finds no GPU: ") + cudaGetErrorString(status);
  if (count == 0) return "CUDA finds no GPU";
  device.index = local_rank % count;
  char bus[32] = {};
  status = cudaSetDevice(device.index);
  if (status == cudaSuccess) status = cudaDeviceGetPCIBusId(bus, sizeof bus, device.index);
  if (status != cudaSuccess) return "GPU " + std::to_string(device.index) + " cannot be used: " + cudaGetErrorString(status);
  device.bus = bus;
  return "";
}
}  // namespace

Device choose_device(mpi::ProcessTransport& control) {
  Device device{0, ""};
  mpi::agree(control, take(control.local_rank(), device));
  const std::vector<std::string> buses = mpi::gather_texts(control, device.bus);
  for (size_t right = 1; right < buses.size(); ++right)
    for (size_t left = 0; left < right; ++left)
      if (control.hosts()[left] == control.hosts()[right] && buses[left] == buses[right])
        throw mpi::Refusal("ranks " + std::to_string(left) + " and " + std::to_string(right) + " on " + control.hosts()[left] + " both have the GPU at " + buses[left] + ", and NCCL needs one a rank");
  return device;
}
}  // namespace etalon::nccl
