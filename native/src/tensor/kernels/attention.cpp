#include "tensor/kernels/attention.h"

#include "cpu/pool.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
void mask_scores(const etalon_attention_args& args, int64_t batch, int64_t head, int64_t query, int64_t queries, int64_t key, int64_t keys, float* scores) {
  if (args.bias.data) {
    const float* const bias = args.bias.data + batch * args.bias.batch + head * args.bias.head + key;
    for (int64_t j = 0; j < queries; ++j) {
      const float* const row = bias + (query + j) * args.bias.row;
      for (int64_t t = 0; t < keys; ++t) scores[t * kQueries + j] += row[t] * kLog2E;
    }
  }
  if (args.causal && key + keys > visible(args, query))
    for (int64_t j = 0; j < queries; ++j)
      for (int64_t t = most<int64_t>(0, visible(args, query + j) - key); t < keys; ++t) scores[t * kQueries + j] = -__builtin_inff();
}

namespace {
/** What a thread keeps of its block of queries. */
struct Block {
  float *queries, *scores, *sums;   // RightTurned; [kKeys][kQueries]; [kQueries][padded width]
  float top[kQueries], total[kQueries], shrink[kQueries];
};

/** One block of keys into the softmax: scores become its terms, relative to the new top. @return whether the older sums must shrink */
bool soften(Block& block, int64_t queries, int64_t keys, bool first) {
  bool changed = false;
  for (int64_t j = 0; j < queries; j += VL) {
    float* const column = block.scores + j;
    vf top = load(column);
    vf other = keys > 1 ? load(column + kQueries) : top;
    int64_t t = 2;
    for (; t + 2 <= keys; t += 2) {
      top = larger(top, load(column + t * kQueries));
      other = larger(other, load(column + (t + 1) * kQueries));
    }
    if (t < keys) top = larger(top, load(column + t * kQueries));
    top = larger(top, other);
    if (!first) top = larger(load(block.top + j), top);
    const vf base = top == -__builtin_inff() ? vf{} : top;   // nothing seen so far: every term is 0
    vf sum[2] = {};
    for (t = 0; t + 2 <= keys; t += 2) {
      ETALON_UNROLL
      for (int u = 0; u < 2; ++u) {
        const vf term = power_of_two(load(column + (t + u) * kQueries) - base);
        store(column + (t + u) * kQueries, term);
        sum[u] += term;
      }
    }
    if (t < keys) {
      const vf term = power_of_two(load(column + t * kQueries) - base);
      store(column + t * kQueries, term);
      sum[0] += term;
    }
    vf total = sum[0] + sum[1];
    if (!first) {
      const vf shrink = power_of_two(load(block.top + j) - base);
      total += load(block.total + j) * shrink;
      store(block.shrink + j, shrink);
      for (int64_t i = j; i < least(queries, j + VL); ++i) changed |= block.shrink[i] != 1.0f;
    }
    store(block.top + j, top);
    store(block.total + j, total);
  }
  return changed;
}

/** Where the keys and values of one (batch, head) lie packed. */
struct Packing {
  int64_t keyFloats, valueFloats;
  explicit Packing(const etalon_attention_args& args)
      : keyFloats(blocks(args.keys, kKeys) * LeftPanels::floats(kKeys, args.depth)), valueFloats(round_up(RightRows::floats(args.keys, args.width), 16)) {}
  int64_t floats() const { return keyFloats + valueFloats; }
  static const float* keys(const float* at, int64_t block, int64_t depth) { return at + block * LeftPanels::floats(kKeys, depth); }
  const float* values(const float* at, int64_t block, int64_t width) const { return at + keyFloats + block * kKeys * RightRows::stride(width); }
};

void pack_block(const etalon_attention_args& args, const Packing& packing, const Matrix& k, const Matrix& v, int64_t block, float* to) {
  const int64_t first = block * kKeys, keys = least<int64_t>(kKeys, args.keys - first);
  LeftPanels::pack({k.data + first * k.row, k.row}, keys, args.depth, const_cast<float*>(Packing::keys(to, block, args.depth)));
  RightRows::pack({v.data + first * v.row, v.row}, keys, args.width, const_cast<float*>(packing.values(to, block, args.width)));
}

/** All keys for one block of queries. */
void attend(const etalon_attention_args& args, const Packing& packing, const float* packed, int64_t batch, int64_t head, int64_t query, Block& block) {
  const int64_t queries = least<int64_t>(kQueries, args.queries - query), stride = RightRows::stride(args.width);
  const Matrix q = matrix_of(args.q, batch, head);
  RightTurned::pack({q.data + query * q.row, q.row}, queries, args.depth, args.scale * kLog2E, block.queries);
  const int64_t seen = visible(args, query + queries - 1);
  for (int64_t key = 0; key < seen; key += kKeys) {
    const int64_t keys = least<int64_t>(kKeys, args.keys - key);   // those not seen are masked
    block_scores(Packing::keys(packed, key / kKeys, args.depth), block.queries, keys, queries, args.depth, block.scores);
    mask_scores(args, batch, head, query, queries, key, keys, block.scores);
    if (soften(block, queries, keys, key == 0))
      for (int64_t i = 0; i < queries; ++i)
        for (int64_t c = 0; c < stride; c += VL) store(block.sums + i * stride + c, load(block.sums + i * stride + c) * block.shrink[i]);
    block_product(block.scores, Packed{kQueries}, 1, packing.values(packed, key / kKeys, args.width), queries, args.width, keys, block.sums, stride, key > 0);
  }
  float* const out = args.out.data + batch * args.out.batch + head * args.out.head + query * args.out.row;
  for (int64_t i = 0; i < queries; ++i) {
    const float inverse = seen == 0 || block.total[i] == 0.0f ? 0.0f : 1.0f / block.total[i];
    each_vector(args.width, [&](int64_t c, int lanes) {
      store_n(out + i * args.out.row + c, seen == 0 ? vf{} : load(block.sums + i * stride + c) * inverse, lanes);
    });
  }
  if (args.log_sum_exp) {
    float* const to = args.log_sum_exp + (batch * args.heads + head) * args.queries + query;
    each_vector(queries, [&](int64_t i, int lanes) {
      const vf log = seen == 0 ? all(-__builtin_inff()) : (load(block.top + i) + log_of_two(load(block.total + i))) * kLn2;
      store_n(to + i, log, lanes);
    });
  }
}
}  // namespace

void attention(const Work& work, const etalon_attention_args& args) {
  const int64_t pairs = args.batch * args.heads, blocksOfQueries = blocks(args.queries, kQueries), blocksOfKeys = blocks(args.keys, kKeys);
  if (pairs == 0 || args.queries == 0) return;
  const double products = static_cast<double>(pairs) * static_cast<double>(args.queries) * static_cast<double>(args.keys) * static_cast<double>(args.depth);
  const int threads = products < 32768 ? 1 : work.threads;
  const Packing packing(args);
  const int64_t queryFloats = round_up(RightTurned::floats(kQueries, args.depth), 16), sumFloats = round_up(kQueries * RightRows::stride(args.width), 16);
  const int64_t own = queryFloats + kKeys * kQueries + sumFloats, packedFloats = round_up(packing.floats(), 16);
  const auto block_at = [&](float* scratch) { return Block{scratch, scratch + queryFloats, scratch + queryFloats + kKeys * kQueries, {}, {}, {}}; };

  if (blocksOfQueries == 1) {   // short: a (batch, head) is packed by the thread that works on it
    float* const scratch = work.arena.take(threads * (own + packedFloats));
    const int64_t group = most<int64_t>(1, least<int64_t>(pairs / (4 * threads), static_cast<int64_t>(200000 / (products / static_cast<double>(pairs) + 1))));
    cpu::parallel(threads, blocks(pairs, group), [&](int64_t task, int lane) {
      float* const mine = scratch + lane * (own + packedFloats);
      Block block = block_at(mine);
      for (int64_t pair = task * group; pair < least(pairs, task * group + group); ++pair) {
        const int64_t batch = pair / args.heads, head = pair % args.heads;
        for (int64_t b = 0; b < blocksOfKeys; ++b) pack_block(args, packing, matrix_of(args.k, batch, head), matrix_of(args.v, batch, head), b, mine + own);
        attend(args, packing, mine + own, batch, head, 0, block);
      }
    });
    return;
  }
  // Long: some (batch, head) are packed by all threads, then their blocks of queries are shared out.
  const int64_t group = most<int64_t>(1, least<int64_t>(pairs, (int64_t{1} << 20) / most<int64_t>(1, packedFloats)));
  float* const packed = work.arena.take(group * packedFloats);
  float* const scratch = work.arena.take(threads * own);
  for (int64_t first = 0; first < pairs; first += group) {
    const int64_t here = least(group, pairs - first);
    cpu::parallel(threads, here * blocksOfKeys, [&](int64_t task) {
      const int64_t pair = first + task / blocksOfKeys, batch = pair / args.heads, head = pair % args.heads;
      pack_block(args, packing, matrix_of(args.k, batch, head), matrix_of(args.v, batch, head), task % blocksOfKeys, packed + task / blocksOfKeys * packedFloats);
    });
    cpu::parallel(threads, here * blocksOfQueries, [&](int64_t task, int lane) {
      const int64_t pair = first + task / blocksOfQueries;
      Block block = block_at(scratch + lane * own);
      // The last first: with a causal mask they take longest.
      attend(args, packing, packed + task / blocksOfQueries * packedFloats, pair / args.heads, pair % args.heads,
             (blocksOfQueries - 1 - task % blocksOfQueries) * kQueries, block);
    });
  }
}
}  // namespace etalon::tensor::ETALON_TARGET
