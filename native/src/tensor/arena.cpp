#include "tensor/arena.h"

#include <new>

namespace etalon::tensor {
namespace {
constexpr std::align_val_t kAlign{64};
constexpr size_t kLeast = size_t{1} << 18;
}  // namespace

Arena::~Arena() { drop(); }

float* Arena::take(int64_t floats) {
  if (floats < 0 || floats > (int64_t{1} << 60)) throw std::bad_alloc();
  const size_t bytes = (static_cast<size_t>(floats) * sizeof(float) + 127) / 64 * 64;
  if (blocks_.empty() || blocks_.back().size - blocks_.back().used < bytes) add(bytes > kLeast ? bytes : kLeast);
  Block& block = blocks_.back();
  float* const taken = reinterpret_cast<float*>(block.data + block.used);
  block.used += bytes;
  return taken;
}

void Arena::reset() {
  size_t total = 0;
  for (const Block& block : blocks_) total += block.size;
  if (blocks_.size() > 1 || total > kKept) {
    drop();
    if (total <= kKept) add(total);
  }
  for (Block& block : blocks_) block.used = 0;
}

void Arena::add(size_t bytes) {
  blocks_.reserve(blocks_.size() + 1);
  blocks_.push_back({static_cast<char*>(::operator new(bytes, kAlign)), bytes, 0});
}

void Arena::drop() {
  for (const Block& block : blocks_) ::operator delete(block.data, kAlign);
  blocks_.clear();
}
}  // namespace etalon::tensor
