/* LD_PRELOAD: a call fails with EIO, as on a disk that breaks. ETALON_EIO is `call:path` or `call:path:n`: the call (write, fsync, rename), and how the file's path ends (of rename: the new
   one), but for what is added to it while it is written (write-file-atomic: .123456); from the n-th such call on (from 1). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_bad(const char* call, const char* path) {
  static int seen = 0;
  const char* bad = getenv("ETALON_EIO");
  char wanted[4096] = "", name[16] = "";
  int from = 1;
  if (!bad || sscanf(bad, "%15[^:]:%4095[^:]:%d", name, wanted, &from) < 2 || strcmp(name, call)) return 0;
  const char* at = strstr(path, wanted);
  if (!at || strspn(at + strlen(wanted), ".0123456789") != strlen(at + strlen(wanted))) return 0;
  if (__atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED) < from) return 0;
  errno = EIO;
  return 1;
}

static int is_bad_file(const char* call, int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = getenv("ETALON_EIO") ? readlink(link, path, sizeof path - 1) : -1;
  if (length < 0) return 0;
  path[length] = 0;
  return is_bad(call, path);
}

int fsync(int fd) { return is_bad_file("fsync", fd) ? -1 : REAL(fsync)(fd); }
int rename(const char* from, const char* to) { return is_bad("rename", to) ? -1 : REAL(rename)(from, to); }
ssize_t write(int fd, const void* data, size_t size) { return is_bad_file("write", fd) ? -1 : REAL(write)(fd, data, size); }
ssize_t writev(int fd, const struct iovec* parts, int count) { return is_bad_file("write", fd) ? -1 : REAL(writev)(fd, parts, count); }
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) { return is_bad_file("write", fd) ? -1 : REAL(pwrite)(fd, data, size, at); }
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) { return is_bad_file("write", fd) ? -1 : REAL(pwrite64)(fd, data, size, at); }
