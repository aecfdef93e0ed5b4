// Links what nvcc compiled. Without a driver or a device that must be an answer: a count of 0, and a status from a launch.
#include <cstdio>
#include <cstring>

#include "etalon/etalon_cuda.h"

int main() {
  int count = -1;
  if (etalon_cuda_device_count(&count) != ETALON_OK || count < 0) return std::printf("no answer to the device count\n"), 1;
  if (etalon_cuda_version() != ETALON_CUDA_VERSION) return std::printf("header and library differ\n"), 1;
  std::printf("%d CUDA devices\n", count);
  if (count > 0) return 0;
  etalon_cuda_launch launch = ETALON_CUDA_LAUNCH_INIT;
  const uint32_t id = 0;
  etalon_noise_key key = ETALON_NOISE_KEY_INIT;
  key.samples = &id;
  float out[4] = {7, 7, 7, 7};
  const etalon_status status = etalon_cuda_normal(&launch, &key, 1, 4, out);
  std::printf("a launch says: %s\n", etalon_cuda_last_error());
  return status == ETALON_DEVICE && std::strncmp(etalon_cuda_last_error(), "device 0: ", 10) == 0 && out[0] == 7 ? 0 : 1;
}
