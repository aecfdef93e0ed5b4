/*
 * Etalon's tensor kernels: the heavy operations of a neural network on the CPU, float32, with their gradients. C99 and C++.
 *
 *   etalon_gemm_args args = ETALON_GEMM_ARGS_INIT;
 *   args.m = 512; args.n = 768; args.k = 192;
 *   args.a = x; args.lda = 192; args.b = w; args.ldb = 768; args.c = y; args.ldc = 768;
 *   args.bias = b; args.activation = ETALON_ACTIVATION_SILU;
 *   if (etalon_gemm(ctx, &args) != ETALON_OK) puts(etalon_last_error(ctx));
 *
 * What holds for all of it, beside what etalon.h says
 *   - Matrices are row-major; leading dimensions (ld...), strides and sizes count elements. Sizes may be 0: then nothing is read, and outputs are what the formula
 *     gives for an empty sum.
 *   - Outputs overlap neither inputs nor each other, unless said: this is not checked.
 *   - NaN and infinity propagate; they are no error.
 *   - Results have the same bits for any number of threads; not on every target (fused multiply-adds, other sums).
 *   - A call keeps its working memory in the context, up to 64 MB.
 * Formulas: docs/tensor.md.
 */
#ifndef ETALON_TENSOR_H
#define ETALON_TENSOR_H

#include "etalon.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum etalon_activation {
  ETALON_ACTIVATION_NONE = 0,
  ETALON_ACTIVATION_RELU = 1,      /* max(x, 0) */
  ETALON_ACTIVATION_SILU = 2,      /* x sigma(x) */
  ETALON_ACTIVATION_GELU_TANH = 3, /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
  ETALON_ACTIVATION_GELU_ERF = 4   /* x/2 (1 + erf(x / sqrt 2)) */
} etalon_activation;

/* ---- products */
typedef struct etalon_gemm_args { /* c = activation(op(a) op(b) + bias), a batch of matrices */
  size_t struct_size;
  int64_t m, n, k, batch;
  const float* a;              /* each [m, k], or [k, m] with transpose_a */
  const float* b;              /* each [k, n], or [n, k] with transpose_b */
  float* c;                    /* each [m, n] */
  int64_t lda, ldb, ldc;       /* at least the row's length as stored */
  int64_t stride_a, stride_b, stride_c; /* from a matrix of the batch to the next; a and b: 0 uses one for all */
  int transpose_a, transpose_b;
  const float* bias;           /* [n], added to every row; or NULL */
  etalon_activation activation;
  float* preactivation;        /* laid out as c: what goes into the activation; or NULL */
  int accumulate;              /* not 0: c += instead of c =; without activation */
  const float* residual;       /* laid out as c: added to the product; without activation and accumulate; or NULL */
} etalon_gemm_args;
#define ETALON_GEMM_ARGS_INIT {sizeof(etalon_gemm_args), 0, 0, 0, 1, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, NULL, ETALON_ACTIVATION_NONE, NULL, 0, NULL}
ETALON_API etalon_status etalon_gemm(etalon_context* ctx, const etalon_gemm_args* args);

typedef struct etalon_linear_gradients_args { /* of y = activation(x w + bias), those whose pointer is not NULL */
  size_t struct_size;
  int64_t rows, inputs, outputs;
  const float* dy;             /* [rows, outputs] */
  const float* x;              /* [rows, inputs]; for dw */
  const float* w;              /* [inputs, outputs], rows close; for dx */
  int64_t lddy, ldx, lddx;
  etalon_activation activation;
  const float* preactivation;  /* [rows, outputs], rows close; where there is an activation */
  float* dx;                   /* [rows, inputs] */
  float* dw;                   /* [inputs, outputs], rows close */
  float* db;                   /* [outputs] */
  int accumulate_dx;           /* not 0: dx += */
  int accumulate;              /* not 0: dw += and db += */
} etalon_linear_gradients_args;
#define ETALON_LINEAR_GRADIENTS_ARGS_INIT \
  {sizeof(etalon_linear_gradients_args), 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, ETALON_ACTIVATION_NONE, NULL, NULL, NULL, NULL, 0, 0}
ETALON_API etalon_status etalon_linear_gradients(etalon_context* ctx, const etalon_linear_gradients_args* args);

/* ---- attention */
typedef struct etalon_heads {  /* [batch, heads, rows, d]: element (b, h, r, i) is data[b batch + h head + r row + i] */
  const float* data;
  int64_t batch, head, row;
} etalon_heads;
typedef struct etalon_heads_out {
  float* data;
  int64_t batch, head, row;
} etalon_heads_out;

typedef struct etalon_attention_args { /* out = softmax(scale q k^T + bias) v, never more than a block of the scores in memory */
  size_t struct_size;
  int64_t batch, heads, queries, keys;
  int64_t depth;               /* of q and k: 1 ... 1024 */
  int64_t width;               /* of v and out: 1 ... 1024 */
  etalon_heads q, k, v;        /* strides of 0 share */
  float scale;
  int causal;                  /* not 0: query i sees keys 0 ... i + keys - queries */
  etalon_heads bias;           /* [batch, heads, queries, keys], strides of 0 broadcast; data NULL: none. -infinity masks. A constant: no gradient of it */
  etalon_heads_out out;        /* a query that sees no key gives zeros */
  float* log_sum_exp;          /* [batch, heads, queries]: of each query's scores, -infinity where it sees no key; NULL: not wanted */
} etalon_attention_args;
#define ETALON_ATTENTION_ARGS_INIT \
  {sizeof(etalon_attention_args), 0, 0, 0, 0, 0, 0, {NULL, 0, 0, 0}, {NULL, 0, 0, 0}, {NULL, 0, 0, 0}, 1.0f, 0, {NULL, 0, 0, 0}, {NULL, 0, 0, 0}, NULL}
ETALON_API etalon_status etalon_attention(etalon_context* ctx, const etalon_attention_args* args);

typedef struct etalon_attention_gradients_args {
  size_t struct_size;
  etalon_heads d_out;
  etalon_heads_out dq, dk, dv; /* no two (batch, head) may share memory */
} etalon_attention_gradients_args;
#define ETALON_ATTENTION_GRADIENTS_ARGS_INIT {sizeof(etalon_attention_gradients_args), {NULL, 0, 0, 0}, {NULL, 0, 0, 0}, {NULL, 0, 0, 0}, {NULL, 0, 0, 0}}
/** Of q, k and v; the bias is a constant. forward: the arguments of etalon_attention as they were, with out and log_sum_exp as it left them. The scores are computed again. */
ETALON_API etalon_status etalon_attention_gradients(etalon_context* ctx, const etalon_attention_args* forward, const etalon_attention_gradients_args* args);

/* ---- convolution: NHWC images, HWIO filters. Output pixel (i, j) reads input pixels (i stride_height - pad_top + p dilation_height, ...); those outside are 0 */
typedef struct etalon_conv_sizes {
  int64_t batch, height, width, in_channels;
  int64_t filter_height, filter_width;
  int64_t out_height, out_width, out_channels; /* bottom and right padding follow */
  int64_t stride_height, stride_width, dilation_height, dilation_width; /* >= 1 */
  int64_t pad_top, pad_left;   /* >= 0 */
} etalon_conv_sizes;
#define ETALON_CONV_SIZES_INIT {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0}

typedef struct etalon_conv2d_args { /* y = activation(x * filter + bias), or x * filter + bias + shift + residual */
  size_t struct_size;
  etalon_conv_sizes sizes;
  const float* x;              /* [batch, height, width, in_channels] */
  const float* filter;         /* [filter_height, filter_width, in_channels, out_channels] */
  const float* bias;           /* [out_channels] or NULL */
  etalon_activation activation;
  float* y;                    /* [batch, out_height, out_width, out_channels] */
  const float* shift;          /* [batch, out_channels]: a bias of each image's own; without activation; or NULL, as residual */
  const float* residual;       /* as y; without activation; not y */
} etalon_conv2d_args;
#define ETALON_CONV2D_ARGS_INIT {sizeof(etalon_conv2d_args), ETALON_CONV_SIZES_INIT, NULL, NULL, NULL, ETALON_ACTIVATION_NONE, NULL, NULL, NULL}
ETALON_API etalon_status etalon_conv2d(etalon_context* ctx, const etalon_conv2d_args* args);

typedef struct etalon_conv2d_input_gradient_args { /* of x, before the activation */
  size_t struct_size;
  etalon_conv_sizes sizes;
  const float *dy, *filter;
  float* dx;
} etalon_conv2d_input_gradient_args;
#define ETALON_CONV2D_INPUT_GRADIENT_ARGS_INIT {sizeof(etalon_conv2d_input_gradient_args), ETALON_CONV_SIZES_INIT, NULL, NULL, NULL}
ETALON_API etalon_status etalon_conv2d_input_gradient(etalon_context* ctx, const etalon_conv2d_input_gradient_args* args);

typedef struct etalon_conv2d_filter_gradient_args { /* of filter and bias, before the activation */
  size_t struct_size;
  etalon_conv_sizes sizes;
  const float *x, *dy;
  float* d_filter;             /* or NULL */
  float* d_bias;               /* [out_channels] or NULL */
} etalon_conv2d_filter_gradient_args;
#define ETALON_CONV2D_FILTER_GRADIENT_ARGS_INIT {sizeof(etalon_conv2d_filter_gradient_args), ETALON_CONV_SIZES_INIT, NULL, NULL, NULL, NULL}
ETALON_API etalon_status etalon_conv2d_filter_gradient(etalon_context* ctx, const etalon_conv2d_filter_gradient_args* args);

/* ---- norms */
typedef struct etalon_rows {   /* a row a batch: data[b stride + i]; a stride of 0 shares one */
  const float* data;
  int64_t stride;
} etalon_rows;
typedef struct etalon_rows_out {
  float* data;
  int64_t stride;
} etalon_rows_out;

typedef struct etalon_layer_norm_args { /* n = (x - mean) rstd gain + bias, y = n (1 + scale) + shift */
  size_t struct_size;
  int64_t batch, rows, d;
  float epsilon;               /* > 0; rstd = 1 / sqrt(variance + epsilon) */
  const float* x;              /* [batch, rows, d] */
  float* y;                    /* [batch, rows, d], may be x */
  const float *gain, *bias;    /* [d] or NULL */
  etalon_rows scale, shift;    /* [batch, d], both or none */
  float *mean, *rstd;          /* [batch, rows] or NULL */
} etalon_layer_norm_args;
#define ETALON_LAYER_NORM_ARGS_INIT {sizeof(etalon_layer_norm_args), 0, 0, 0, 1e-6f, NULL, NULL, NULL, NULL, {NULL, 0}, {NULL, 0}, NULL, NULL}
ETALON_API etalon_status etalon_layer_norm(etalon_context* ctx, const etalon_layer_norm_args* args);

typedef struct etalon_layer_norm_gradients_args {
  size_t struct_size;
  int64_t batch, rows, d;
  const float *x, *mean, *rstd, *dy;
  const float *gain, *bias;    /* as in the forward call; bias is read for d_scale only */
  etalon_rows scale;
  float* dx;                   /* [batch, rows, d], may be dy; or NULL, as all that follow */
  float *d_gain, *d_bias;      /* [d] */
  etalon_rows_out d_scale, d_shift; /* [batch, d] */
  const float* residual;       /* [batch, rows, d], added to dx; may be dx; or NULL */
} etalon_layer_norm_gradients_args;
#define ETALON_LAYER_NORM_GRADIENTS_ARGS_INIT \
  {sizeof(etalon_layer_norm_gradients_args), 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, {NULL, 0}, NULL, NULL, NULL, {NULL, 0}, {NULL, 0}, NULL}
ETALON_API etalon_status etalon_layer_norm_gradients(etalon_context* ctx, const etalon_layer_norm_gradients_args* args);

typedef struct etalon_rms_norm_args { /* y = x rstd gain, rstd = 1 / sqrt(mean of x^2 + epsilon) */
  size_t struct_size;
  int64_t rows, d;
  float epsilon;
  const float* x;              /* [rows, d] */
  float* y;                    /* may be x */
  const float* gain;           /* [d] or NULL */
  float* rstd;                 /* [rows] or NULL */
} etalon_rms_norm_args;
#define ETALON_RMS_NORM_ARGS_INIT {sizeof(etalon_rms_norm_args), 0, 0, 1e-6f, NULL, NULL, NULL, NULL}
ETALON_API etalon_status etalon_rms_norm(etalon_context* ctx, const etalon_rms_norm_args* args);

typedef struct etalon_rms_norm_gradients_args {
  size_t struct_size;
  int64_t rows, d;
  const float *x, *rstd, *dy, *gain;
  float* dx;                   /* may be dy; or NULL */
  float* d_gain;               /* [d] or NULL */
} etalon_rms_norm_gradients_args;
#define ETALON_RMS_NORM_GRADIENTS_ARGS_INIT {sizeof(etalon_rms_norm_gradients_args), 0, 0, NULL, NULL, NULL, NULL, NULL, NULL}
ETALON_API etalon_status etalon_rms_norm_gradients(etalon_context* ctx, const etalon_rms_norm_gradients_args* args);

typedef struct etalon_group_norm_args { /* over the pixels and channels of each group: y = silu((x - mean) rstd gain + bias) */
  size_t struct_size;
  int64_t batch, pixels, channels;
  int64_t groups;              /* a divisor of channels */
  float epsilon;
  const float* x;              /* [batch, pixels, channels] */
  float* y;                    /* may be x */
  const float *gain, *bias;    /* [channels] or NULL */
  int silu;                    /* 0: without it */
  float *mean, *rstd;          /* [batch, groups] or NULL */
} etalon_group_norm_args;
#define ETALON_GROUP_NORM_ARGS_INIT {sizeof(etalon_group_norm_args), 0, 0, 0, 1, 1e-6f, NULL, NULL, NULL, NULL, 0, NULL, NULL}
ETALON_API etalon_status etalon_group_norm(etalon_context* ctx, const etalon_group_norm_args* args);

typedef struct etalon_group_norm_gradients_args {
  size_t struct_size;
  int64_t batch, pixels, channels, groups;
  const float *x, *mean, *rstd, *dy, *gain, *bias;
  int silu;
  float* dx;                   /* may be dy; or NULL, as all that follow */
  float *d_gain, *d_bias;      /* [channels] */
  const float* residual;       /* [batch, pixels, channels], added to dx; may be dx; or NULL */
} etalon_group_norm_gradients_args;
#define ETALON_GROUP_NORM_GRADIENTS_ARGS_INIT \
  {sizeof(etalon_group_norm_gradients_args), 0, 0, 0, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL}
ETALON_API etalon_status etalon_group_norm_gradients(etalon_context* ctx, const etalon_group_norm_gradients_args* args);

/* ---- residual */
typedef struct etalon_gated_residual_args { /* out = x + y gate */
  size_t struct_size;
  int64_t batch, rows, d;
  const float *x, *y;          /* [batch, rows, d] */
  etalon_rows gate;            /* [batch, d] */
  float* out;                  /* [batch, rows, d], may be x or y */
} etalon_gated_residual_args;
#define ETALON_GATED_RESIDUAL_ARGS_INIT {sizeof(etalon_gated_residual_args), 0, 0, 0, NULL, NULL, {NULL, 0}, NULL}
ETALON_API etalon_status etalon_gated_residual(etalon_context* ctx, const etalon_gated_residual_args* args);

typedef struct etalon_gated_residual_gradients_args { /* that of x is d_out itself */
  size_t struct_size;
  int64_t batch, rows, d;
  const float *d_out, *y;
  etalon_rows gate;
  float* dy;                   /* may be d_out or y; or NULL */
  etalon_rows_out d_gate;      /* [batch, d], or NULL */
} etalon_gated_residual_gradients_args;
#define ETALON_GATED_RESIDUAL_GRADIENTS_ARGS_INIT {sizeof(etalon_gated_residual_gradients_args), 0, 0, 0, NULL, NULL, {NULL, 0}, NULL, {NULL, 0}}
ETALON_API etalon_status etalon_gated_residual_gradients(etalon_context* ctx, const etalon_gated_residual_gradients_args* args);

/* ---- positions, gates, formats */
typedef struct etalon_rope_args { /* turns pairs (2i, 2i + 1) of the last axis by an angle a token */
  size_t struct_size;
  int64_t batch, tokens, heads;
  int64_t depth;               /* even */
  etalon_heads x;              /* [batch, heads, tokens, depth] */
  etalon_heads_out y;          /* may be x */
  const float *cos, *sin;      /* [tokens, depth / 2] */
  int inverse;                 /* not 0: turns back, which is the gradient */
} etalon_rope_args;
#define ETALON_ROPE_ARGS_INIT {sizeof(etalon_rope_args), 0, 0, 0, 0, {NULL, 0, 0, 0}, {NULL, 0, 0, 0}, NULL, NULL, 0}
ETALON_API etalon_status etalon_rope(etalon_context* ctx, const etalon_rope_args* args);

typedef struct etalon_geglu_args { /* y = x[:, :width] gelu(x[:, width:]), the erf form */
  size_t struct_size;
  int64_t rows, width;
  const float* x;              /* [rows, 2 width] */
  float* y;                    /* [rows, width] */
} etalon_geglu_args;
#define ETALON_GEGLU_ARGS_INIT {sizeof(etalon_geglu_args), 0, 0, NULL, NULL}
ETALON_API etalon_status etalon_geglu(etalon_context* ctx, const etalon_geglu_args* args);

typedef struct etalon_geglu_gradients_args {
  size_t struct_size;
  int64_t rows, width;
  const float *x, *dy;
  float* dx;                   /* [rows, 2 width], may be x */
} etalon_geglu_gradients_args;
#define ETALON_GEGLU_GRADIENTS_ARGS_INIT {sizeof(etalon_geglu_gradients_args), 0, 0, NULL, NULL, NULL}
ETALON_API etalon_status etalon_geglu_gradients(etalon_context* ctx, const etalon_geglu_gradients_args* args);

/** Bit patterns of bfloat16 or of IEEE half precision to float32, exactly. */
ETALON_API etalon_status etalon_unpack_bf16(etalon_context* ctx, int64_t count, const uint16_t* bits, float* out);
ETALON_API etalon_status etalon_unpack_f16(etalon_context* ctx, int64_t count, const uint16_t* bits, float* out);

/* ---- optimiser: lists of `count` arrays of lengths[i] elements */
typedef struct etalon_adamw_args { /* as torch.optim.AdamW; p, m, v in place */
  size_t struct_size;
  int64_t count;
  const int64_t* lengths;
  float* const* parameters;
  const float* const* gradients;
  float* const* first;         /* m = beta1 m + (1 - beta1) g */
  float* const* second;        /* v = beta2 v + (1 - beta2) g^2 */
  int64_t step;                /* >= 1 */
  double learning_rate, beta1, beta2, epsilon, weight_decay;
  double gradient_scale;       /* gradients times this first */
} etalon_adamw_args;
#define ETALON_ADAMW_ARGS_INIT {sizeof(etalon_adamw_args), 0, NULL, NULL, NULL, NULL, NULL, 1, 1e-3, 0.9, 0.999, 1e-8, 0.0, 1.0}
ETALON_API etalon_status etalon_adamw(etalon_context* ctx, const etalon_adamw_args* args);

/** The root of the sum of all squares, float64 over a fixed tree.  norm: one number. */
ETALON_API etalon_status etalon_global_norm(etalon_context* ctx, int64_t count, const float* const* arrays, const int64_t* lengths, double* norm);
/** Every element times factor. */
ETALON_API etalon_status etalon_scale(etalon_context* ctx, int64_t count, float* const* arrays, const int64_t* lengths, double factor);
/** average = decay average + (1 - decay) value. */
ETALON_API etalon_status etalon_ema(etalon_context* ctx, int64_t count, float* const* averages, const float* const* values, const int64_t* lengths, double decay);

#ifdef __cplusplus
}
#endif
#endif /* ETALON_TENSOR_H */
