#include "sockets.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace etalon::standin {
namespace {
void rest() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

sockaddr_un address_of(const std::string& folder, int rank) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder + "/" + std::to_string(rank);
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

/** A letter on its way: length and contents, and how much of both has gone. */
struct Transit {
  Letter letter;
  uint64_t length;
  size_t moved = 0;

  explicit Transit(const Letter& one) : letter(one), length(one.sends ? one.bytes : 0) {}
  bool is_done() const { return moved == sizeof length + letter.bytes; }
  /** Moves what can be moved now. @returns false: the peer is gone */
  bool move(int socket) {
    while (!is_done()) {
      const bool head = moved < sizeof length;
      uint8_t* const at = head ? reinterpret_cast<uint8_t*>(&length) + moved : letter.data + (moved - sizeof length);
      const size_t left = (head ? sizeof length : sizeof length + letter.bytes) - moved;
      const ssize_t now = letter.sends ? ::send(socket, at, left, MSG_NOSIGNAL | MSG_DONTWAIT) : ::recv(socket, at, left, MSG_DONTWAIT);
      if (now < 0 && (errno == EAGAIN || errno == EINTR)) return true;
      if (now <= 0) return false;
      moved += static_cast<size_t>(now);
      if (!is_right()) return true;
    }
    return true;
  }
  bool is_right() const { return moved < sizeof length || length == letter.bytes; }
};
}  // namespace

bool Sockets::join(const std::string& folder, int rank, int size, const std::atomic<bool>& give_up) {
  peers_.assign(static_cast<size_t>(size), -1);
  const int door = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const sockaddr_un own = address_of(folder, rank);
  if (::bind(door, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 || ::listen(door, size) != 0) {
    ::close(door);
    return false;
  }
  bool joined = true;
  for (int peer = 0; peer < rank && joined; ++peer) {   // those before are called, those after call
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(folder, peer);
    while (!give_up && ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) rest();
    peers_[static_cast<size_t>(peer)] = socket;
    joined = !give_up && ::send(socket, &rank, sizeof rank, MSG_NOSIGNAL) == sizeof rank;
  }
  for (int callers = rank + 1; callers < size && joined;) {
    const int socket = ::accept4(door, nullptr, nullptr, SOCK_CLOEXEC);
    joined = !give_up;
    if (socket < 0) {
      rest();
      continue;
    }
    int caller = -1;
    joined = ::recv(socket, &caller, sizeof caller, MSG_WAITALL) == sizeof caller && caller > rank && caller < size;
    if (joined) peers_[static_cast<size_t>(caller)] = socket;
    ++callers;
  }
  ::close(door);
  ::unlink(own.sun_path);
  ::rmdir(folder.c_str());   // the last one's succeeds
  return joined;
}

Sockets::Outcome Sockets::carry(const std::vector<Letter>& letters, const std::atomic<bool>& give_up) {
  std::vector<std::deque<Transit>> out(peers_.size()), in(peers_.size());
  for (const Letter& letter : letters) (letter.sends ? out : in)[static_cast<size_t>(letter.peer)].emplace_back(letter);
  for (;;) {
    std::vector<pollfd> waiting;
    for (size_t peer = 0; peer < peers_.size(); ++peer)
      for (auto* const queue : {&out[peer], &in[peer]}) {
        if (queue->empty()) continue;
        Transit& first = queue->front();
        if (!first.move(peers_[peer])) return Outcome::peer_gone;
        if (!first.is_right()) return Outcome::other_length;
        if (first.is_done()) queue->pop_front();
        if (!queue->empty()) waiting.push_back({peers_[peer], static_cast<short>(queue == &out[peer] ? POLLOUT : POLLIN), 0});
      }
    if (waiting.empty()) return Outcome::done;
    if (give_up) return Outcome::given_up;
    ::poll(waiting.data(), waiting.size(), 5);
  }
}

void Sockets::close() {
  for (int& socket : peers_) {
    if (socket >= 0) ::close(socket);
    socket = -1;
  }
}
}  // namespace etalon::standin
