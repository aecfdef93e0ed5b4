// One execution of an op: its inputs read and checked, its outputs allocated, its failure reported. What the kernels of both devices share.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tf/params.h"
#include "tf/tensorflow.h"

namespace etalon::tf {
/** Thrown by a kernel, made a TF_Status at the border: "ETALON_NOT_FINITE: sample 0 has …". */
struct Refusal {
  TF_Code code;
  std::string message;
};
/** @param why  the library's last error; the code of `status` leads the message, for the face to tell failures apart */
[[noreturn]] inline void refuse(etalon_status status, const std::string& why) {
  const TF_Code code = status == ETALON_OUT_OF_MEMORY ? TF_RESOURCE_EXHAUSTED : status == ETALON_DEVICE ? TF_INTERNAL : TF_INVALID_ARGUMENT;
  throw Refusal{code, std::string(etalon_status_name(status)) + ": " + why};
}

struct DeleteTensor {
  void operator()(TF_Tensor* tensor) const { api.TF_DeleteTensor(tensor); }
};
using Tensor = std::unique_ptr<TF_Tensor, DeleteTensor>;   // every TF_Tensor is a reference to be given back

/** A status of TensorFlow's; `check` makes its failure a Refusal. */
class Status {
 public:
  ~Status() { api.TF_DeleteStatus(status_); }
  operator TF_Status*() { return status_; }
  void check() const {
    if (api.TF_GetCode(status_) != TF_OK) throw Refusal{api.TF_GetCode(status_), api.TF_Message(status_)};
  }

 private:
  TF_Status* status_ = api.TF_NewStatus();
};

/** How many tensors the list inputs hold: a kernel's attributes. */
struct Lists {
  int32_t guided = 0;       // 0, 1: with `uncond`
  int32_t references = 0;   // of EtalonPolicyGradient: 0, 1: cond, 2: cond and uncond
};

/** Inputs in the order of ops.cpp. Pointers to elements are of the kernel's device; `params` is host memory. */
class Run {
 public:
  Run(TF_OpKernelContext* ctx, Op op, const Lists& lists) : ctx_(ctx) {
    int index = 0;
    const TF_Tensor* const first = take(index++);
    for (int i = 0; i < api.TF_NumDims(first); ++i) shape_.push_back(api.TF_Dim(first, i));
    bytes_ = api.TF_TensorByteSize(first);
    policy.x = elements(first);
    policy.cond = elements(take(index++));
    if (op != Op::step) next = elements(take(index++));
    if (lists.guided) policy.uncond = elements(take(index++));
    if (lists.references > 0) referenceCond = elements(take(index++));
    if (lists.references > 1) referenceUncond = elements(take(index++));
    const TF_Tensor* const words = take(index);
    const char* wrong = read_params(op, static_cast<const int32_t*>(api.TF_TensorData(words)),
                                    static_cast<int64_t>(api.TF_TensorByteSize(words) / sizeof(int32_t)), params);
    if (*wrong) refuse(ETALON_INVALID_ARGUMENT, wrong);
    const int64_t count = static_cast<int64_t>(bytes_ / sizeof(float));
    if (count == 0 || count % params.batch != 0) refuse(ETALON_INVALID_ARGUMENT, "x holds no whole number of elements a sample");
    dim = count / params.batch;
  }

  etalon_policy policy = ETALON_POLICY_INIT;
  const float* next = nullptr;
  const float* referenceCond = nullptr;
  const float* referenceUncond = nullptr;
  Params params;
  int64_t dim = 0;

  int64_t batch() const { return params.batch; }
  int64_t step_count() const { return static_cast<int64_t>(params.steps.size()); }
  etalon_noise_key key() const {
    etalon_noise_key key = ETALON_NOISE_KEY_INIT;
    key.seed = params.seed;
    key.step = params.step;
    key.samples = params.samples.data();
    return key;
  }

  /** An output as large as x, on the kernel's device. */
  float* output(int index) {
    return static_cast<float*>(allocate(index, TF_FLOAT, shape_, bytes_));
  }
  /** The last output: `rows` float64 numbers a sample, in host memory, row by row; to JavaScript int32 [rows, batch, 2]. */
  double* scalars(int index, int64_t rows) {
    return static_cast<double*>(allocate(index, TF_INT32, {rows, batch(), 2}, static_cast<size_t>(rows * batch()) * sizeof(double)));
  }
  /** Memory of the kernel's device, for as long as the run lasts. */
  void* temporary(size_t bytes) {
    const int64_t length = static_cast<int64_t>(bytes);
    TF_AllocatorAttributes attributes{offsetof(TF_AllocatorAttributes, on_host) + 1, 0};
    Status status;
    TF_Tensor* const tensor = api.TF_AllocateTemp(ctx_, TF_UINT8, &length, 1, &attributes, status);
    status.check();
    held_.emplace_back(tensor);
    return api.TF_TensorData(tensor);
  }

 private:
  const TF_Tensor* take(int index) {
    TF_Tensor* tensor = nullptr;
    Status status;
    api.TF_GetInput(ctx_, index, &tensor, status);
    status.check();
    held_.emplace_back(tensor);
    return tensor;
  }
  const float* elements(const TF_Tensor* tensor) const {
    if (api.TF_TensorByteSize(tensor) != bytes_) refuse(ETALON_INVALID_ARGUMENT, "a tensor of elements is of another size than x");
    return static_cast<const float*>(api.TF_TensorData(tensor));
  }
  void* allocate(int index, TF_DataType type, const std::vector<int64_t>& shape, size_t bytes) {
    Status status;
    TF_Tensor* const tensor = api.TF_AllocateOutput(ctx_, index, type, shape.data(), static_cast<int>(shape.size()), bytes, status);
    status.check();
    held_.emplace_back(tensor);
    return api.TF_TensorData(tensor);
  }

  TF_OpKernelContext* ctx_;
  std::vector<int64_t> shape_;
  size_t bytes_ = 0;
  std::vector<Tensor> held_;
};

/** One device's three kernels. */
struct Device {
  const char* name;   // as TensorFlow has it
  void (*step)(Run&);
  void (*logProb)(Run&);
  void (*policyGradient)(Run&);
};
extern const Device cpu;
extern const Device gpu;   // in a build with CUDA
}  // namespace etalon::tf
