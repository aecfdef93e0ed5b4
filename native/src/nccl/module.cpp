#include "nccl/module.h"

#include <cuda_runtime.h>
#include <nccl.h>

#include "mpi/agreement.h"
#include "nccl/device.h"
#include "nccl/nccl_transport.h"

namespace etalon::nccl {
namespace {
/** NCCL counts 23007 for 2.30.7. */
std::string nccl_version() {
  int version = 0;
  if (ncclGetVersion(&version) != ncclSuccess) return "NCCL";
  return "NCCL " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." + std::to_string(version % 100);
}
}  // namespace
}  // namespace etalon::nccl

void etalon_nccl_open(etalon::mpi::ProcessTransport& control, const etalon::nccl::Options& options, etalon::nccl::Opened& opened) {
  using namespace etalon::nccl;
  try {
    const Device device = choose_device(control);
    opened.transport = std::make_unique<NcclTransport>(control, options);
    opened.about = nccl_version() + ", GPU " + std::to_string(device.index) + " (" + device.bus + ")";
  } catch (const etalon::mpi::Refusal& refusal) {
    opened.failure = refusal.what();
    opened.agreed = true;
  } catch (const std::exception& error) {
    opened.failure = error.what();
  }
}

void etalon_nccl_versions(std::string& versions) {
  int runtime = 0;
  cudaRuntimeGetVersion(&runtime);   // 13000 for 13.0
  versions = etalon::nccl::nccl_version() + ", CUDA " + std::to_string(runtime / 1000) + "." + std::to_string(runtime % 1000 / 10);
}
