#include "cpu/pool.h"
#include "tensor/kernels/attention.h"
#include "tensor/kernels/table.h"

namespace etalon::tensor::ETALON_TARGET {
namespace {
/** Working memory of one (batch, head): all of q, k, v and ∂out in the forms that the products take, and what each query needs beside them. */
struct Pack {
  const etalon_attention_args& args;
  const etalon_attention_gradients_args& gradients;
  int64_t queryBlocks, keyBlocks, leftKeys, leftValues, turnedQueries, turnedOut, rowsQueries, rowsOut, rowsKeys, perQuery;
  explicit Pack(const etalon_attention_args& a, const etalon_attention_gradients_args& g)
      : args(a),
        gradients(g),
        queryBlocks(blocks(a.queries, kQueries)),
        keyBlocks(blocks(a.keys, kKeys)),
        leftKeys(LeftPanels::floats(kKeys, a.depth)),
        leftValues(LeftPanels::floats(kKeys, a.width)),
        turnedQueries(round_up(RightTurned::floats(kQueries, a.depth), 16)),
        turnedOut(round_up(RightTurned::floats(kQueries, a.width), 16)),
        rowsQueries(round_up(RightRows::floats(kQueries, a.depth), 16)),
        rowsOut(round_up(RightRows::floats(kQueries, a.width), 16)),
        rowsKeys(round_up(RightRows::floats(kKeys, a.depth), 16)),
        perQuery(2 * kQueries) {}
  int64_t key_floats() const { return leftKeys + leftValues + rowsKeys; }
  int64_t query_floats() const { return turnedQueries + turnedOut + rowsQueries + rowsOut + perQuery; }
  int64_t floats() const { return keyBlocks * key_floats() + queryBlocks * query_floats(); }
  int64_t units() const { return keyBlocks + queryBlocks; }

  const float* left_keys(const float* at, int64_t block) const { return at + block * key_floats(); }
  const float* left_values(const float* at, int64_t block) const { return left_keys(at, block) + leftKeys; }
  const float* rows_keys(const float* at, int64_t block) const { return left_values(at, block) + leftValues; }
  const float* turned_queries(const float* at, int64_t block) const { return at + keyBlocks * key_floats() + block * query_floats(); }
  const float* turned_out(const float* at, int64_t block) const { return turned_queries(at, block) + turnedQueries; }
  const float* rows_queries(const float* at, int64_t block) const { return turned_out(at, block) + turnedOut; }
  const float* rows_out(const float* at, int64_t block) const { return rows_queries(at, block) + rowsQueries; }
  /** logSumExp·log₂e, and scale·Σ out·∂out, of each query. */
  const float* of_queries(const float* at, int64_t block) const { return rows_out(at, block) + rowsOut; }

  /** One block of keys or of queries. */
  void pack(int64_t batch, int64_t head, int64_t unit, float* at) const {
    const auto part = [](const Matrix& m, int64_t first) { return Matrix{m.data + first * m.row, m.row}; };
    const auto mine = [](const float* p) { return const_cast<float*>(p); };
    if (unit < keyBlocks) {
      const int64_t first = unit * kKeys, keys = least<int64_t>(kKeys, args.keys - first);
      const Matrix k = part(matrix_of(args.k, batch, head), first), v = part(matrix_of(args.v, batch, head), first);
      LeftPanels::pack(k, keys, args.depth, mine(left_keys(at, unit)));
      LeftPanels::pack(v, keys, args.width, mine(left_values(at, unit)));
      RightRows::pack(k, keys, args.depth, mine(rows_keys(at, unit)));
      return;
    }
    unit -= keyBlocks;
    const int64_t first = unit * kQueries, queries = least<int64_t>(kQueries, args.queries - first);
    const Matrix q = part(matrix_of(args.q, batch, head), first), d = part(matrix_of(gradients.d_out, batch, head), first);
    RightTurned::pack(q, queries, args.depth, args.scale * kLog2E, mine(turned_queries(at, unit)));
    RightTurned::pack(d, queries, args.width, 1.0f, mine(turned_out(at, unit)));
    RightRows::pack(q, queries, args.depth, mine(rows_queries(at, unit)));
    RightRows::pack(d, queries, args.width, mine(rows_out(at, unit)));
    float* const each = mine(of_queries(at, unit));
    const float* const out = args.out.data + batch * args.out.batch + head * args.out.head + first * args.out.row;
    const float* const log = args.log_sum_exp + (batch * args.heads + head) * args.queries + first;
    for (int64_t i = 0; i < kQueries; ++i) {
      if (i >= queries) {
        each[i] = each[kQueries + i] = 0.0f;
        continue;
      }
      vf along{};
      each_vector(args.width, [&](int64_t c, int lanes) { along += load_n(out + i * args.out.row + c, lanes) * load_n(d.data + i * d.row + c, lanes); });
      each[i] = log[i] == -__builtin_inff() ? 0.0f : log[i] * kLog2E;   // a query that sees no key: its scores are −infinity, its terms 0
      each[kQueries + i] = args.scale * sum_lanes(along);
    }
  }
};

/** terms = e^(scores − logSumExp), slopes ← scale·terms·(slopes − Σ out·∂out): what ∂q and ∂k are made of. */
void soften(const float* ofQueries, int64_t queries, int64_t keys, float scale, float* terms, float* slopes) {
  for (int64_t t = 0; t < keys; ++t)
    for (int64_t j = 0; j < queries; j += VL) {
      float* const term = terms + t * kQueries + j;
      float* const slope = slopes + t * kQueries + j;
      const vf p = power_of_two(load(term) - load(ofQueries + j));
      store(term, p);
      store(slope, p * (load(slope) * scale - load(ofQueries + kQueries + j)));
    }
}

enum Wanted { kKeysAndValues = 1, kQueriesOnly = 2 };

/** One block of queries against one of keys; scratch: two blocks of scores. */
void block_gradients(const Pack& pack, const float* packed, int64_t batch, int64_t head, int64_t qi, int64_t ki, int wanted, float* scratch) {
  const etalon_attention_args& args = pack.args;
  const int64_t query = qi * kQueries, queries = least<int64_t>(kQueries, args.queries - query);
  const int64_t key = ki * kKeys, keys = least<int64_t>(kKeys, args.keys - key);
  float *const terms = scratch, *const slopes = scratch + kKeys * kQueries;
  const auto rows = [&](const etalon_heads_out& heads, int64_t row) { return heads.data + batch * heads.batch + head * heads.head + row * heads.row; };
  const auto& [size, dOut, dq, dk, dv] = pack.gradients;
  if (visible(args, query + queries - 1) <= key) {   // nothing here is seen
    const auto zero = [&](float* to, int64_t row, int64_t count, int64_t d) {
      for (int64_t i = 0; i < count; ++i) std::memset(to + i * row, 0, static_cast<size_t>(d) * sizeof(float));
    };
    if ((wanted & kKeysAndValues) && qi == 0) zero(rows(dv, key), dv.row, keys, args.width), zero(rows(dk, key), dk.row, keys, args.depth);
    if ((wanted & kQueriesOnly) && ki == 0) zero(rows(dq, query), dq.row, queries, args.depth);
    return;
  }
  block_scores(pack.left_keys(packed, ki), pack.turned_queries(packed, qi), keys, queries, args.depth, terms);
  mask_scores(args, batch, head, query, queries, key, keys, terms);
  block_scores(pack.left_values(packed, ki), pack.turned_out(packed, qi), keys, queries, args.width, slopes);
  soften(pack.of_queries(packed, qi), queries, keys, args.scale, terms, slopes);
  if (wanted & kKeysAndValues) {
    block_product(terms, InRows<kQueries>{}, kQueries, pack.rows_out(packed, qi), keys, args.width, queries, rows(dv, key), dv.row, qi > 0);
    block_product(slopes, InRows<kQueries>{}, kQueries, pack.rows_queries(packed, qi), keys, args.depth, queries, rows(dk, key), dk.row, qi > 0);
  }
  if (wanted & kQueriesOnly)
    block_product(slopes, Packed{kQueries}, 1, pack.rows_keys(packed, ki), queries, args.depth, keys, rows(dq, query), dq.row, ki > 0);
}
}  // namespace

void attention_gradients(const Work& work, const etalon_attention_args& args, const etalon_attention_gradients_args& gradients) {
  const Pack pack(args, gradients);
  const int64_t pairs = args.batch * args.heads, floats = round_up(pack.floats(), 16);
  if (pairs == 0 || pack.units() == 0) return;
  if (pack.queryBlocks == 0 || pack.keyBlocks == 0) {   // no score at all
    const auto zero = [&](const etalon_heads_out& heads, int64_t rows, int64_t d) {
      for (int64_t pair = 0; pair < pairs; ++pair)
        for (int64_t r = 0; r < rows; ++r)
          std::memset(heads.data + pair / args.heads * heads.batch + pair % args.heads * heads.head + r * heads.row, 0, static_cast<size_t>(d) * sizeof(float));
    };
    zero(gradients.dq, args.queries, args.depth);
    zero(gradients.dk, args.keys, args.depth);
    zero(gradients.dv, args.keys, args.width);
    return;
  }
  constexpr int64_t kScratch = 2 * kKeys * kQueries;
  const double products = static_cast<double>(pairs) * static_cast<double>(args.queries) * static_cast<double>(args.keys) * static_cast<double>(args.depth);
  const int threads = products < 32768 ? 1 : work.threads;
  // The order of every sum is the same below: ∂q over blocks of keys, ∂k and ∂v over blocks of queries, each from the first to the last.
  if (threads == 1 || pairs >= 2 * threads) {   // a (batch, head) to a thread
    float* const scratch = work.arena.take(threads * (floats + kScratch));
    const int64_t group = most<int64_t>(1, least<int64_t>(pairs / (4 * threads), static_cast<int64_t>(100000 / (products / static_cast<double>(pairs) + 1))));
    cpu::parallel(threads, blocks(pairs, group), [&](int64_t task, int lane) {
      float* const packed = scratch + lane * (floats + kScratch);
      for (int64_t pair = task * group; pair < least(pairs, task * group + group); ++pair) {
        const int64_t batch = pair / args.heads, head = pair % args.heads;
        for (int64_t unit = 0; unit < pack.units(); ++unit) pack.pack(batch, head, unit, packed);
        for (int64_t ki = 0; ki < pack.keyBlocks; ++ki)
          for (int64_t qi = 0; qi < pack.queryBlocks; ++qi) block_gradients(pack, packed, batch, head, qi, ki, kKeysAndValues | kQueriesOnly, packed + floats);
      }
    });
    return;
  }
  // Few and long: all threads on one (batch, head), by blocks of keys, then by blocks of queries; the scores are computed once more.
  float* const packed = work.arena.take(floats);
  float* const scratch = work.arena.take(threads * kScratch);
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const int64_t batch = pair / args.heads, head = pair % args.heads;
    cpu::parallel(threads, pack.units(), [&](int64_t unit) { pack.pack(batch, head, unit, packed); });
    cpu::parallel(threads, pack.units(), [&](int64_t unit, int lane) {
      const bool keys = unit < pack.keyBlocks;
      for (int64_t i = 0; i < (keys ? pack.queryBlocks : pack.keyBlocks); ++i)
        block_gradients(pack, packed, batch, head, keys ? i : unit - pack.keyBlocks, keys ? unit : i, keys ? kKeysAndValues : kQueriesOnly, scratch + lane * kScratch);
    });
  }
}
}  // namespace etalon::tensor::ETALON_TARGET
