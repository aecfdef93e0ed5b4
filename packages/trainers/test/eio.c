/* LD_PRELOAD: bringing a file to the disk fails with EIO where its path has the text of ETALON_EIO in it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  const char* bad = getenv("ETALON_EIO");
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (bad && length > 0) {
    path[length] = 0;
    if (strstr(path, bad)) {
      errno = EIO;
      return -1;
    }
  }
  return real(fd);
}
