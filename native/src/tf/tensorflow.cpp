#include "tf/tensorflow.h"

#include <dlfcn.h>

#include <cstring>
#include <vector>
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#else
#include <link.h>
#endif

namespace etalon::tf {
Api api;

namespace {
void keep_tensorflow(std::vector<std::string>& files, const char* file) {
  if (!file) return;
  const char* slash = std::strrchr(file, '/');
  if (std::strncmp(slash ? slash + 1 : file, "libtensorflow", 13) == 0) files.emplace_back(file);
}

/** The files of this process that are TensorFlow's: node loads an addon's libraries for that addon alone, so they must be asked by name. */
std::vector<std::string> loaded_files() {
  std::vector<std::string> files;
#if defined(__APPLE__)
  for (uint32_t i = 0; i < _dyld_image_count(); ++i) keep_tensorflow(files, _dyld_get_image_name(i));
#else
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        keep_tensorflow(*static_cast<std::vector<std::string>*>(data), info->dlpi_name);
        return 0;
      },
      &files);
#endif
  return files;
}
}  // namespace

std::string find() {
  std::vector<void*> libraries;
  for (const std::string& file : loaded_files())
    if (void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD)) libraries.push_back(library);   // never closed: the ops stay for good
  if (libraries.empty()) return "TensorFlow is not loaded in this process";
  const auto symbol = [&](const char* name) -> void* {
    for (void* library : libraries)
      if (void* found = dlsym(library, name)) return found;
    return nullptr;
  };
  Api found;
#define ETALON_TF_LOOK_UP(result, name, parameters)                         \
  found.name = reinterpret_cast<result(*) parameters>(symbol(#name));       \
  if (!found.name) return "this TensorFlow has no " #name;
  ETALON_TF_FUNCTIONS(ETALON_TF_LOOK_UP)
#undef ETALON_TF_LOOK_UP
  api = found;
  return "";
}
}  // namespace etalon::tf
