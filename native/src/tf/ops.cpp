// The ops' definitions, and their kernels' registration.
#include "tf/ops.h"

#include <mutex>
#include <new>

#include "tf/run.h"

namespace etalon::tf {
namespace {
// ---- definitions. scalars: float64 as pairs of int32, in host memory on every device. params: params.h
struct Definition {
  const char* name;
  std::vector<const char*> attributes, inputs, outputs;
};

std::vector<Definition> definitions() {
  return {
      {"EtalonStep",
       {"guided: int >= 0 = 0"},
       {"x: float", "cond: float", "uncond: guided * float", "params: int32"},
       {"next: float", "scalars: int32"}},
      {"EtalonLogProb",
       {"guided: int >= 0 = 0"},
       {"x: float", "cond: float", "next: float", "uncond: guided * float", "params: int32"},
       {"scalars: int32"}},
      {"EtalonPolicyGradient",
       {"guided: int >= 0 = 0", "references: int >= 0 = 0"},
       {"x: float", "cond: float", "next: float", "uncond: guided * float", "reference: references * float", "params: int32"},
       {"grad_cond: float", "grad_uncond: guided * float", "scalars: int32"}},
  };
}

void define(const Definition& definition) {
  TF_OpDefinitionBuilder* const builder = api.TF_NewOpDefinitionBuilder(definition.name);
  for (const char* spec : definition.attributes) api.TF_OpDefinitionBuilderAddAttr(builder, spec);
  for (const char* spec : definition.inputs) api.TF_OpDefinitionBuilderAddInput(builder, spec);
  for (const char* spec : definition.outputs) api.TF_OpDefinitionBuilderAddOutput(builder, spec);
  api.TF_OpDefinitionBuilderSetShapeInferenceFunction(
      builder, [](TF_ShapeInferenceContext* ctx, TF_Status* status) { api.TF_ShapeInferenceContextSetUnknownShape(ctx, status); });
  Status status;
  api.TF_RegisterOpDefinition(builder, status);   // takes the builder
  status.check();
}

// ---- kernels: a kernel's state is its Lists
template <Op kOp>
void* create(TF_OpKernelConstruction* ctx) {
  Lists lists;
  try {
    Status status;
    api.TF_OpKernelConstruction_GetAttrInt32(ctx, "guided", &lists.guided, status);
    status.check();
    if (kOp == Op::policyGradient) {
      api.TF_OpKernelConstruction_GetAttrInt32(ctx, "references", &lists.references, status);
      status.check();
    }
    if (lists.guided > 1 || lists.references > 1 + lists.guided) throw Refusal{TF_INVALID_ARGUMENT, "guided is at most 1, references at most 1 + guided"};
    return new Lists(lists);
  } catch (const Refusal& refusal) {
    Status failure;
    api.TF_SetStatus(failure, refusal.code, refusal.message.c_str());
    api.TF_OpKernelConstruction_Failure(ctx, failure);
    return nullptr;
  }
}
void destroy(void* lists) { delete static_cast<Lists*>(lists); }

/** Runs a kernel's body; nothing is thrown across the border. */
template <Op kOp, const Device* kDevice, void (*Device::*kBody)(Run&)>
void compute(void* lists, TF_OpKernelContext* ctx) {
  TF_Code code = TF_OK;
  std::string message;
  try {
    Run run(ctx, kOp, *static_cast<Lists*>(lists));
    (kDevice->*kBody)(run);
    return;
  } catch (const Refusal& refusal) {
    code = refusal.code;
    message = refusal.message;
  } catch (const std::bad_alloc&) {
    code = TF_RESOURCE_EXHAUSTED;
    message = "ETALON_OUT_OF_MEMORY: out of memory";
  }
  Status failure;
  api.TF_SetStatus(failure, code, message.c_str());
  api.TF_OpKernelContext_Failure(ctx, failure);
}

template <const Device* kDevice>
void add_kernels() {
  const auto add = [](const char* op, void* (*create_)(TF_OpKernelConstruction*), void (*compute_)(void*, TF_OpKernelContext*)) {
    TF_KernelBuilder* const builder = api.TF_NewKernelBuilder(op, kDevice->name, create_, compute_, destroy);
    api.TF_KernelBuilder_HostMemory(builder, "params");
    api.TF_KernelBuilder_HostMemory(builder, "scalars");
    Status status;
    api.TF_RegisterKernelBuilder((std::string(op) + kDevice->name).c_str(), builder, status);   // takes the builder
    status.check();
  };
  add("EtalonStep", create<Op::step>, compute<Op::step, kDevice, &Device::step>);
  add("EtalonLogProb", create<Op::logProb>, compute<Op::logProb, kDevice, &Device::logProb>);
  add("EtalonPolicyGradient", create<Op::policyGradient>, compute<Op::policyGradient, kDevice, &Device::policyGradient>);
}

/** Whether some copy of this library has registered its ops with this TensorFlow. */
bool registered() {
  Status status;
  TF_Buffer* const kernels = api.TF_GetRegisteredKernelsForOp("EtalonStep", status);
  const bool found = kernels && kernels->length > 0;
  if (kernels) api.TF_DeleteBuffer(kernels);
  return found;
}
}  // namespace

bool has_gpu() {
#if defined(ETALON_HAS_CUDA)
  return true;
#else
  return false;
#endif
}

std::string register_ops() {
  static std::mutex mutex;
  static bool tried = false;
  static std::string failure;   // of a registration that stopped half way: it cannot be tried again
  const std::lock_guard<std::mutex> lock(mutex);
  if (tried) return failure;
  const std::string missing = find();
  if (!missing.empty()) return missing;
  tried = true;
  try {
    if (registered()) return "";
    for (const Definition& definition : definitions()) define(definition);
#if !defined(ETALON_EMULATION)
    add_kernels<&cpu>();
#endif
#if defined(ETALON_HAS_CUDA)
    add_kernels<&gpu>();
#endif
  } catch (const Refusal& refusal) {
    failure = refusal.message;
  }
  return failure;
}
}  // namespace etalon::tf
