// The part of TensorFlow's C API that the ops need. It is neither included nor linked: `find` looks the functions up in the libraries that tfjs-node has brought into this
// process, whatever their version and place. So etalon_tf.node builds on a machine without TensorFlow, and one prebuilt file serves every tfjs-node.
// Declarations after tensorflow/c/{kernels,ops,tf_tensor,tf_status,c_api}.h, which promise a stable ABI.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace etalon::tf {
struct TF_Status;
struct TF_Tensor;
struct TF_OpDefinitionBuilder;
struct TF_ShapeInferenceContext;
struct TF_KernelBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;

enum TF_Code : int { TF_OK = 0, TF_INVALID_ARGUMENT = 3, TF_RESOURCE_EXHAUSTED = 8, TF_FAILED_PRECONDITION = 9, TF_INTERNAL = 13 };
enum TF_DataType : int { TF_FLOAT = 1, TF_INT32 = 3, TF_UINT8 = 4 };

struct TF_Buffer {
  const void* data;
  size_t length;
  void (*release)(void* data, size_t length);
};
struct TF_AllocatorAttributes {
  size_t struct_size;
  unsigned char on_host;
};

#define ETALON_TF_FUNCTIONS(X)                                                                                                                     \
  X(TF_Status*, TF_NewStatus, ())                                                                                                                  \
  X(void, TF_DeleteStatus, (TF_Status*))                                                                                                           \
  X(void, TF_SetStatus, (TF_Status*, TF_Code, const char*))                                                                                        \
  X(TF_Code, TF_GetCode, (const TF_Status*))                                                                                                       \
  X(const char*, TF_Message, (const TF_Status*))                                                                                                   \
  X(TF_OpDefinitionBuilder*, TF_NewOpDefinitionBuilder, (const char*))                                                                             \
  X(void, TF_OpDefinitionBuilderAddAttr, (TF_OpDefinitionBuilder*, const char*))                                                                   \
  X(void, TF_OpDefinitionBuilderAddInput, (TF_OpDefinitionBuilder*, const char*))                                                                  \
  X(void, TF_OpDefinitionBuilderAddOutput, (TF_OpDefinitionBuilder*, const char*))                                                                 \
  X(void, TF_OpDefinitionBuilderSetShapeInferenceFunction, (TF_OpDefinitionBuilder*, void (*)(TF_ShapeInferenceContext*, TF_Status*)))             \
  X(void, TF_ShapeInferenceContextSetUnknownShape, (TF_ShapeInferenceContext*, TF_Status*))                                                        \
  X(void, TF_RegisterOpDefinition, (TF_OpDefinitionBuilder*, TF_Status*))                                                                          \
  X(TF_Buffer*, TF_GetRegisteredKernelsForOp, (const char*, TF_Status*))                                                                           \
  X(void, TF_DeleteBuffer, (TF_Buffer*))                                                                                                           \
  X(TF_KernelBuilder*, TF_NewKernelBuilder,                                                                                                        \
    (const char*, const char*, void* (*)(TF_OpKernelConstruction*), void (*)(void*, TF_OpKernelContext*), void (*)(void*)))                        \
  X(void, TF_KernelBuilder_HostMemory, (TF_KernelBuilder*, const char*))                                                                           \
  X(void, TF_RegisterKernelBuilder, (const char*, TF_KernelBuilder*, TF_Status*))                                                                  \
  X(void, TF_OpKernelConstruction_GetAttrInt32, (TF_OpKernelConstruction*, const char*, int32_t*, TF_Status*))                                     \
  X(void, TF_OpKernelConstruction_Failure, (TF_OpKernelConstruction*, TF_Status*))                                                                 \
  X(void, TF_OpKernelContext_Failure, (TF_OpKernelContext*, TF_Status*))                                                                           \
  X(void, TF_GetInput, (TF_OpKernelContext*, int, TF_Tensor**, TF_Status*))                                                                        \
  X(TF_Tensor*, TF_AllocateOutput, (TF_OpKernelContext*, int, TF_DataType, const int64_t*, int, size_t, TF_Status*))                               \
  X(TF_Tensor*, TF_AllocateTemp, (TF_OpKernelContext*, TF_DataType, const int64_t*, int, TF_AllocatorAttributes*, TF_Status*))                     \
  X(void, TF_DeleteTensor, (TF_Tensor*))                                                                                                           \
  X(void*, TF_TensorData, (const TF_Tensor*))                                                                                                      \
  X(size_t, TF_TensorByteSize, (const TF_Tensor*))                                                                                                 \
  X(int, TF_NumDims, (const TF_Tensor*))                                                                                                           \
  X(int64_t, TF_Dim, (const TF_Tensor*, int))

struct Api {
#define ETALON_TF_POINTER(result, name, parameters) result(*name) parameters = nullptr;
  ETALON_TF_FUNCTIONS(ETALON_TF_POINTER)
#undef ETALON_TF_POINTER
};
extern Api api;

/** Fills `api`.   @return "", or what is missing: TensorFlow is not loaded, or is one without the function named */
std::string find();
}  // namespace etalon::tf
