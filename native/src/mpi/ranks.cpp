#include "mpi/ranks.h"

#include <dlfcn.h>

#include "mpi/agreement.h"
#include "nccl/module.h"

namespace etalon::mpi {
namespace {
/** A function of a library, which stays loaded. @throws Failure: with the loader's words */
template <typename Function>
Function* function_of(const std::string& library, const char* name) {
  void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const found = handle == nullptr ? nullptr : dlsym(handle, name);
  if (found != nullptr) return reinterpret_cast<Function*>(found);
  const char* const why = dlerror();
  throw Failure(why == nullptr ? library + " has no " + name : why);
}
}  // namespace

std::string Ranks::use_nccl(const std::string& library) {
  nccl::OpenFunction* open = nullptr;
  std::string problem;
  try {
    open = function_of<nccl::OpenFunction>(library, "etalon_nccl_open");
  } catch (const Failure& failure) {
    problem = failure.what();
  }
  agree(mpi_, problem);
  nccl::Opened opened;
  open(mpi_, nccl::Options{}, opened);
  if (opened.agreed) throw Refusal(opened.failure);
  if (!opened.transport) throw Failure(opened.failure);
  nccl_ = std::move(opened.transport);
  return opened.about;
}

void Ranks::finalise() {
  nccl_.reset();
  mpi_.finalise();
}

std::string nccl_versions(const std::string& library) {
  std::string versions;
  function_of<nccl::VersionsFunction>(library, "etalon_nccl_versions")(versions);
  return versions;
}
}  // namespace etalon::mpi
