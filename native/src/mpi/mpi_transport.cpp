#include "mpi/mpi_transport.h"

#include <dlfcn.h>

#include <algorithm>

#include "mpi/rest.h"

namespace etalon::mpi {
namespace {
/** Longer messages go in pieces: MPI moves them on only while it is asked, and each end makes `rest` ask oftener again. Well below what fits MPI's counts, which are ints. */
constexpr size_t piece = size_t{1} << 20;
constexpr int tag = 1;

/** Open MPI loads parts of itself that look for its symbols among the global ones; Node loads an addon with its own. */
void make_global() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&MPI_Init_thread), &info) && info.dli_fname) dlopen(info.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
}
}  // namespace

MpiTransport::MpiTransport() {
  make_global();
  int provided = 0, begun = 0;
  MPI_Initialized(&begun);
  if (begun) throw Failure("MPI_Init_thread: MPI has begun in this process already");
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS) throw Failure("MPI_Init_thread failed");
  if (provided < MPI_THREAD_FUNNELED) throw Failure("MPI_Init_thread: this MPI allows no process with threads");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  check(MPI_Comm_dup(MPI_COMM_WORLD, &world_), "MPI_Comm_dup");
  MPI_Comm_set_errhandler(world_, MPI_ERRORS_RETURN);
  check(MPI_Comm_rank(world_, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(world_, &size_), "MPI_Comm_size");
  MPI_Comm node = MPI_COMM_NULL;
  check(MPI_Comm_split_type(world_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
  check(MPI_Comm_rank(node, &local_rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(node, &local_size_), "MPI_Comm_size");
  MPI_Comm_free(&node);
  name_hosts();
}

void MpiTransport::name_hosts() {
  char own[MPI_MAX_PROCESSOR_NAME] = {};
  int length = 0;
  check(MPI_Get_processor_name(own, &length), "MPI_Get_processor_name");
  std::vector<char> all(static_cast<size_t>(size_) * MPI_MAX_PROCESSOR_NAME);
  check(MPI_Allgather(own, MPI_MAX_PROCESSOR_NAME, MPI_CHAR, all.data(), MPI_MAX_PROCESSOR_NAME, MPI_CHAR, world_), "MPI_Allgather");
  for (int rank = 0; rank < size_; ++rank) hosts_.emplace_back(all.data() + static_cast<size_t>(rank) * MPI_MAX_PROCESSOR_NAME);
}

void MpiTransport::exchange(const char* what, const std::vector<Message>& sends, const std::vector<Message>& receives) {
  struct Part {
    int peer;
    int bytes;
    bool receives;
  };
  if (broken_) throw Failure(std::string(what) + " on rank " + std::to_string(rank_) + ": a call before it failed");
  std::vector<MPI_Request> requests;
  std::vector<Part> parts;
  const auto post = [&](const Message& message, bool incoming) {
    char* at = static_cast<char*>(message.data);
    size_t left = message.bytes;
    do {   // an empty message is one too
      const int bytes = static_cast<int>(std::min(left, piece));
      requests.push_back(MPI_REQUEST_NULL);
      parts.push_back({message.peer, bytes, incoming});
      if (incoming)
        check(MPI_Irecv(at, bytes, MPI_BYTE, message.peer, tag, world_, &requests.back()), "MPI_Irecv", message.peer);
      else
        check(MPI_Isend(at, bytes, MPI_BYTE, message.peer, tag, world_, &requests.back()), "MPI_Isend", message.peer);
      at += bytes;
      left -= static_cast<size_t>(bytes);
    } while (left > 0);
  };
  for (const Message& message : receives) post(message, true);
  for (const Message& message : sends) post(message, false);

  waiting_.begin(what);
  size_t open = requests.size();
  Rest rest;
  while (open > 0) {
    abort_if_asked();
    size_t finished = 0;
    for (size_t i = 0; i < requests.size(); ++i) {
      if (requests[i] == MPI_REQUEST_NULL) continue;
      int done = 0, bytes = 0;
      MPI_Status status;
      check(MPI_Test(&requests[i], &done, &status), what, parts[i].peer);
      if (!done) continue;
      requests[i] = MPI_REQUEST_NULL;
      ++finished;
      if (!parts[i].receives) continue;
      MPI_Get_count(&status, MPI_BYTE, &bytes);
      if (bytes != parts[i].bytes)
        fail(std::string(what) + ": rank " + std::to_string(parts[i].peer) + " sent " + std::to_string(bytes) + " bytes, rank " + std::to_string(rank_) +
             " expects " + std::to_string(parts[i].bytes));
    }
    open -= finished;
    if (finished > 0) rest.begin();
    if (rest.is_long()) {
      std::vector<int> late;
      for (size_t i = 0; i < requests.size(); ++i)
        if (requests[i] != MPI_REQUEST_NULL) late.push_back(parts[i].peer);
      waiting_.ranks(std::move(late));
    }
    if (open > 0) rest.take();
  }
  waiting_.end();
}

void MpiTransport::abort_if_asked() {
  const int code = abort_code_.load();
  if (code != 0) MPI_Abort(MPI_COMM_WORLD, code);
}

void MpiTransport::finalise() {
  int ended = 0;
  MPI_Finalized(&ended);
  if (ended) return;
  MPI_Comm_free(&world_);
  MPI_Finalize();
}

void MpiTransport::fail(const std::string& message) {
  broken_ = true;
  waiting_.end();
  throw Failure(message);
}

void MpiTransport::check(int status, const char* call, int peer) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(status, text, &length);
  std::string message = std::string(call) + " on rank " + std::to_string(rank_);
  if (peer >= 0) message += ", with " + place(peer);
  fail(message + ": " + text);
}

std::string mpi_library() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0, major = 0, minor = 0;
  MPI_Get_library_version(text, &length);
  MPI_Get_version(&major, &minor);
  std::string name(text, static_cast<size_t>(length));
  name = name.substr(0, std::min(name.find('\n'), name.find(',')));
  return name + ", MPI " + std::to_string(major) + "." + std::to_string(minor);
}
}  // namespace etalon::mpi
