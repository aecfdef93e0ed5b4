#include "mpi/collectives.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace etalon::mpi {
namespace {
/** Arrays up to this many bytes are sent to every rank whole. */
constexpr size_t short_bytes = 8192;

/** Where a rank's share of `count` values begins. */
size_t share(size_t count, int size, int rank) { return count / static_cast<size_t>(size) * static_cast<size_t>(rank) + count % static_cast<size_t>(size) * static_cast<size_t>(rank) / static_cast<size_t>(size); }

/** Memory of this thread for what is gathered, kept from call to call: fresh pages cost more than the sum. */
template <typename T>
T* scratch(size_t count) {
  static thread_local std::unique_ptr<T[]> memory;
  static thread_local size_t room = 0;
  if (count > room) {
    memory.reset(new T[count]);
    room = count;
  }
  return memory.get();
}

template <typename T>
void allreduce_short(Transport& transport, T* values, size_t count) {
  const int size = transport.size(), rank = transport.rank();
  T* const gathered = scratch<T>(static_cast<size_t>(size) * count);
  std::vector<T*> rows;
  std::vector<Message> sends, receives;
  for (int peer = 0; peer < size; ++peer) {
    rows.push_back(gathered + static_cast<size_t>(peer) * count);
    if (peer == rank) continue;
    sends.push_back({peer, values, count * sizeof(T)});
    receives.push_back({peer, rows.back(), count * sizeof(T)});
  }
  std::copy_n(values, count, rows[static_cast<size_t>(rank)]);
  transport.exchange("allreduce", sends, receives);
  sum_rows(rows, count);
  std::copy_n(rows[0], count, values);
}

template <typename T>
void allreduce_long(Transport& transport, T* values, size_t count) {
  const int size = transport.size(), rank = transport.rank();
  const auto begin = [&](int peer) { return share(count, size, peer); };
  const auto length = [&](int peer) { return begin(peer + 1) - begin(peer); };
  T* const own = values + begin(rank);
  T* const gathered = scratch<T>(static_cast<size_t>(size - 1) * length(rank));
  std::vector<T*> rows;
  std::vector<Message> sends, receives;
  for (int peer = 0; peer < size; ++peer) {
    if (peer == rank) {
      rows.push_back(own);
      continue;
    }
    rows.push_back(gathered + static_cast<size_t>(peer < rank ? peer : peer - 1) * length(rank));
    sends.push_back({peer, values + begin(peer), length(peer) * sizeof(T)});
    receives.push_back({peer, rows.back(), length(rank) * sizeof(T)});
  }
  transport.exchange("allreduce", sends, receives);
  sum_rows(rows, length(rank));
  if (rows[0] != own) std::copy_n(rows[0], length(rank), own);
  sends.clear();
  receives.clear();
  for (int peer = 0; peer < size; ++peer) {
    if (peer == rank) continue;
    sends.push_back({peer, own, length(rank) * sizeof(T)});
    receives.push_back({peer, values + begin(peer), length(peer) * sizeof(T)});
  }
  transport.exchange("allreduce", sends, receives);
}

template <typename T>
void sum(Transport& transport, T* values, size_t count) {
  if (transport.size() == 1) return;
  if (count * sizeof(T) <= short_bytes) return allreduce_short(transport, values, count);
  allreduce_long(transport, values, count);
}

/** The first message of a gather: the length, and as much as fits. */
struct Parcel {
  static constexpr size_t room = 4088;
  uint64_t length;
  uint8_t bytes[room];
};
}  // namespace

void allreduce(Transport& transport, float* values, size_t count) { sum(transport, values, count); }
void allreduce(Transport& transport, double* values, size_t count) { sum(transport, values, count); }

std::vector<std::vector<uint8_t>> allgather(Transport& transport, const uint8_t* bytes, size_t count) {
  const size_t size = static_cast<size_t>(transport.size()), rank = static_cast<size_t>(transport.rank());
  std::vector<Parcel> parcels(size);
  parcels[rank].length = count;
  std::copy_n(bytes, std::min(count, Parcel::room), parcels[rank].bytes);
  std::vector<Message> sends, receives;
  for (size_t peer = 0; peer < size; ++peer) {
    if (peer == rank) continue;
    sends.push_back({static_cast<int>(peer), &parcels[rank], sizeof(Parcel)});
    receives.push_back({static_cast<int>(peer), &parcels[peer], sizeof(Parcel)});
  }
  transport.exchange("allgather", sends, receives);
  sends.clear();
  receives.clear();
  std::vector<std::vector<uint8_t>> all(size);
  for (size_t peer = 0; peer < size; ++peer) {
    const size_t length = parcels[peer].length;
    all[peer].resize(length);
    std::copy_n(parcels[peer].bytes, std::min(length, Parcel::room), all[peer].data());
    if (peer == rank) {
      std::copy_n(bytes, count, all[peer].data());
      continue;
    }
    if (length > Parcel::room) receives.push_back({static_cast<int>(peer), all[peer].data() + Parcel::room, length - Parcel::room});
    if (count > Parcel::room) sends.push_back({static_cast<int>(peer), const_cast<uint8_t*>(bytes) + Parcel::room, count - Parcel::room});
  }
  if (!sends.empty() || !receives.empty()) transport.exchange("allgather", sends, receives);
  return all;
}

void broadcast(Transport& transport, uint8_t* bytes, size_t count, int root) {
  const int size = transport.size();
  const int place = (transport.rank() - root + size) % size;   // the root is at place 0
  const auto rank = [&](int at) { return (at + root) % size; };
  for (int reached = 1; reached < size; reached *= 2) {
    if (place < reached && place + reached < size) transport.exchange("broadcast", {{rank(place + reached), bytes, count}}, {});
    if (place >= reached && place < 2 * reached) transport.exchange("broadcast", {}, {{rank(place - reached), bytes, count}});
  }
}

void barrier(Transport& transport) {
  std::vector<uint8_t> marks(static_cast<size_t>(transport.size()));
  std::vector<Message> sends, receives;
  for (int peer = 0; peer < transport.size(); ++peer) {
    if (peer == transport.rank()) continue;
    sends.push_back({peer, &marks[static_cast<size_t>(transport.rank())], 1});
    receives.push_back({peer, &marks[static_cast<size_t>(peer)], 1});
  }
  transport.exchange("barrier", sends, receives);
}
}  // namespace etalon::mpi
