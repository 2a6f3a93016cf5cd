/* Faults below one folder, for LD_PRELOAD: counts each call that changes the disk there, and at a chosen one fails,
   cuts a write short, or ends the process as SIGKILL does. Steered through a mapped file (see shim.py). */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT = 0, FAIL_ONCE = 1, FAIL_ON = 2, SHORT = 3, KILL = 4, KILL_SHORT = 5 };
enum { LOG = 4096 };

struct control {
    atomic_int mode, code, at, count, hits;
    int pad[3];
    char folder[PATH_MAX];
    char log[LOG]; /* One letter a call: w(rite), s(ync), r(ename), c(reate or open to write), t(runcate), m(kdir), u(nlink). */
};

static struct control *control;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("LESIONSEG_FAULTS");
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int file = name ? real_open(name, O_RDWR) : -1;
    if (file < 0) return;
    void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED) control = map;
}

static int below(const char *path) {
    size_t length = control ? strlen(control->folder) : 0;
    return length && !strncmp(path, control->folder, length) && (path[length] == '/' || path[length] == 0);
}

static int path_below(int folder, const char *path) {
    char start[PATH_MAX], whole[2 * PATH_MAX];
    if (!control || !control->folder[0] || !path) return 0;
    if (path[0] == '/') return below(path);
    if (folder == AT_FDCWD) {
        if (!getcwd(start, sizeof start)) return 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, start, sizeof start - 1);
        if (length < 0) return 0;
        start[length] = 0;
    }
    snprintf(whole, sizeof whole, "%s/%s", start, path);
    return below(whole);
}

static int file_below(int file) {
    if (!control || !control->folder[0]) return 0;
    int before = errno;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

/* 0: go on; 1: fail with errno; 2: do the half of it (a write), and then fail or end. */
static int struck(char kind) {
    int number = atomic_fetch_add(&control->count, 1) + 1, mode = control->mode, at = control->at;
    if (number <= LOG) control->log[number - 1] = kind;
    if (mode == COUNT || number < at || (number > at && mode != FAIL_ON && mode != SHORT)) return 0;
    if (mode == SHORT && number == at && kind == 'w') return 2;
    if (mode == KILL_SHORT && kind == 'w') return 2;
    if (mode == KILL || mode == KILL_SHORT) kill(getpid(), SIGKILL), pause();
    atomic_fetch_add(&control->hits, 1);
    errno = control->code;
    return 1;
}

static ssize_t halved(ssize_t done) {
    if (control->mode == KILL_SHORT) kill(getpid(), SIGKILL), pause();
    atomic_fetch_add(&control->hits, 1);
    return done;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name)

#define STRIKE_FILE(kind, file) if (file_below(file) && struck(kind)) return -1

#define STRIKE_WRITE(file, size, half) \
    if (file_below(file)) { \
        int what = struck('w'); \
        if (what == 1) return -1; \
        if (what == 2 && (size) > 1) return halved(half); \
        if (what == 2) { errno = control->code; halved(0); return -1; } \
    }

ssize_t write(int file, const void *data, size_t size) {
    REAL(write);
    STRIKE_WRITE(file, size, real(file, data, size / 2))
    return real(file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t place) {
    REAL(pwrite);
    STRIKE_WRITE(file, size, real(file, data, size / 2, place))
    return real(file, data, size, place);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t place) {
    REAL(pwrite64);
    STRIKE_WRITE(file, size, real(file, data, size / 2, place))
    return real(file, data, size, place);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(writev);
    STRIKE_WRITE(file, count, real(file, parts, count / 2))
    return real(file, parts, count);
}

ssize_t sendfile(int file, int from, off_t *place, size_t size) {
    REAL(sendfile);
    STRIKE_WRITE(file, size, real(file, from, place, size / 2))
    return real(file, from, place, size);
}

ssize_t sendfile64(int file, int from, off64_t *place, size_t size) {
    REAL(sendfile64);
    STRIKE_WRITE(file, size, real(file, from, place, size / 2))
    return real(file, from, place, size);
}

ssize_t copy_file_range(int from, off64_t *place, int file, off64_t *to, size_t size, unsigned flags) {
    REAL(copy_file_range);
    STRIKE_WRITE(file, size, real(from, place, file, to, size / 2, flags))
    return real(from, place, file, to, size, flags);
}

int fsync(int file) { REAL(fsync); STRIKE_FILE('s', file); return real(file); }
int fdatasync(int file) { REAL(fdatasync); STRIKE_FILE('s', file); return real(file); }
int ftruncate(int file, off_t size) { REAL(ftruncate); STRIKE_FILE('t', file); return real(file, size); }
int ftruncate64(int file, off64_t size) { REAL(ftruncate64); STRIKE_FILE('t', file); return real(file, size); }

int posix_fallocate(int file, off_t place, off_t size) {
    REAL(posix_fallocate);
    return file_below(file) && struck('t') ? control->code : real(file, place, size);
}

#define STRIKE_PATH(kind, folder, path) if (path_below(folder, path) && struck(kind)) return -1

int rename(const char *from, const char *to) { REAL(rename); STRIKE_PATH('r', AT_FDCWD, to); return real(from, to); }

int renameat(int a, const char *from, int b, const char *to) {
    REAL(renameat);
    STRIKE_PATH('r', b, to);
    return real(a, from, b, to);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    REAL(renameat2);
    STRIKE_PATH('r', b, to);
    return real(a, from, b, to, flags);
}

int link(const char *from, const char *to) { REAL(link); STRIKE_PATH('r', AT_FDCWD, to); return real(from, to); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); STRIKE_PATH('m', AT_FDCWD, path); return real(path, mode); }

int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(mkdirat);
    STRIKE_PATH('m', folder, path);
    return real(folder, path, mode);
}

/* Removing is counted and may be the moment of a kill; it fails only where the disk takes no changes at all. */
static int struck_unlink(void) {
    int mode = control->mode, code = control->code;
    if (mode == KILL || mode == KILL_SHORT || mode == COUNT || code == EROFS || code == EIO) return struck('u');
    return 0;
}

int unlink(const char *path) {
    REAL(unlink);
    if (path_below(AT_FDCWD, path) && struck_unlink()) return -1;
    return real(path);
}

int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    if (path_below(folder, path) && struck_unlink()) return -1;
    return real(folder, path, flags);
}

#define OPENED(name, folder, path, call) \
    REAL(name); \
    mode_t mode = 0; \
    if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    } \
    if (((flags & O_CREAT) || (flags & O_ACCMODE) != O_RDONLY) && path_below(folder, path) && struck('c')) return -1; \
    return call;

int open(const char *path, int flags, ...) { OPENED(open, AT_FDCWD, path, real(path, flags, mode)) }
int open64(const char *path, int flags, ...) { OPENED(open64, AT_FDCWD, path, real(path, flags, mode)) }
int openat(int folder, const char *path, int flags, ...) { OPENED(openat, folder, path, real(folder, path, flags, mode)) }
int openat64(int folder, const char *path, int flags, ...) {
    OPENED(openat64, folder, path, real(folder, path, flags, mode))
}
