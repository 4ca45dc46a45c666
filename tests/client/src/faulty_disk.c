/* A disk that misbehaves as a test says: see faulty_disk.rs. It concerns files in the folder FAULTY_DISK_FOLDER only.
 * What it is to do stands in the file FAULTY_DISK, which is mapped, so the process sees a change at once. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { FINE, FULL, UNSYNCABLE, READ_ONLY };

static volatile struct {
  long long fault;
  long long sync_ms;
  long long syncs;
} *disk;
static const char *folder;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULTY_DISK");
  int file = path ? open(path, O_RDWR) : -1;
  folder = getenv("FAULTY_DISK_FOLDER");
  if (file < 0 || !folder) return;
  void *mapped = mmap(NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) disk = mapped;
  close(file);
}

static int is_there(const char *path) { return disk && strncmp(path, folder, strlen(folder)) == 0; }

static int is_file_there(int file) {
  char link[64], path[4096];
  if (!disk) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_there(path);
}

static int refuses_write(int file) {
  if (!is_file_there(file)) return 0;
  if (disk->fault == FULL) errno = ENOSPC;
  if (disk->fault == READ_ONLY) errno = EROFS;
  return disk->fault == FULL || disk->fault == READ_ONLY;
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
  static ssize_t (*next)(int, const void *, size_t, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "pwrite64");
  return refuses_write(file) ? -1 : next(file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) { return pwrite64(file, bytes, count, at); }

static int sync_with(int file, const char *name) {
  int (*next)(int) = dlsym(RTLD_NEXT, name);
  if (!is_file_there(file)) return next(file);
  __sync_fetch_and_add(&disk->syncs, 1);
  struct timespec wait = {disk->sync_ms / 1000, disk->sync_ms % 1000 * 1000000};
  if (disk->sync_ms) nanosleep(&wait, NULL);
  if (disk->fault != UNSYNCABLE) return next(file);
  errno = EIO;
  return -1;
}

int fsync(int file) { return sync_with(file, "fsync"); }
int fdatasync(int file) { return sync_with(file, "fdatasync"); }

static int open_with(const char *name, const char *path, int flags, mode_t mode) {
  int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
  if (is_there(path) && disk->fault == READ_ONLY && (flags & (O_WRONLY | O_RDWR))) {
    errno = EROFS;
    return -1;
  }
  return next(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_with("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_with("open64", path, flags, mode);
}
