/* The N-th system call that writes below one folder fails: write, fsync, rename, open for writing, posix_fallocate,
   ftruncate, close; or a signal comes just before it. Loaded with LD_PRELOAD; `failing_arm` starts to count. Calls of
   other files pass untouched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { FILES = 1024 };

static char folder[PATH_MAX];
static char watched[FILES];
static long fail_at, calls, fired;
static int all_later, no_fallocate, signal_number;
static char which[32];

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* Count from here: call number `at` fails, and with `later` all after it; posix_fallocate is not supported on demand.
   With a signal the call is made, and the process gets it just before. */
void failing_arm(const char *path, long at, int later, int without_fallocate, int number)
{
    strncpy(folder, path, sizeof folder - 1);
    fail_at = at, all_later = later, no_fallocate = without_fallocate, signal_number = number;
    calls = fired = 0;
}

long failing_fired(void) { return fired; }
const char *failing_which(void) { return which; }

static int fails(const char *name)
{
    calls++;
    if (!fail_at || (all_later ? calls < fail_at : calls != fail_at)) return 0;
    if (!fired++) strncpy(which, name, sizeof which - 1);
    if (signal_number) return kill(getpid(), signal_number); /* 0: the call does not fail */
    return 1;
}

static int below(const char *path)
{
    char full[PATH_MAX];
    if (!folder[0]) return 0;
    if (path[0] != '/') {
        if (!getcwd(full, sizeof full)) return 0;
        return !strncmp(full, folder, strlen(folder));
    }
    return !strncmp(path, folder, strlen(folder));
}

static int is_watched(int fd) { return fd >= 0 && fd < FILES && watched[fd]; }
static int refuse(int code) { errno = code; return -1; }

static int opened(int fd, int flags, const char *path)
{
    if (fd >= 0 && fd < FILES) watched[fd] = below(path) && (flags & (O_WRONLY | O_RDWR | O_DIRECTORY)) != 0;
    return fd;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        if ((flags & (O_WRONLY | O_RDWR)) && below(path) && fails(#name)) return refuse(ENOSPC); \
        return opened(real(path, flags, mode), flags, path); \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(write);
    return is_watched(fd) && fails("write") ? refuse(ENOSPC) : real(fd, data, size);
}

int fsync(int fd) /* the disk itself is not waited for: no machine is switched off */
{
    return is_watched(fd) && fails("fsync") ? refuse(EIO) : 0;
}

#define TRUNCATE(name, type) \
    int name(int fd, type size) \
    { \
        REAL(name); \
        return is_watched(fd) && fails(#name) ? refuse(EIO) : real(fd, size); \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define FALLOCATE(name, type) \
    int name(int fd, type offset, type size) \
    { \
        REAL(name); \
        if (is_watched(fd) && no_fallocate) return EOPNOTSUPP; \
        return is_watched(fd) && fails(#name) ? ENOSPC : real(fd, offset, size); \
    }
FALLOCATE(posix_fallocate, off_t)
FALLOCATE(posix_fallocate64, off64_t)

int rename(const char *from, const char *to)
{
    REAL(rename);
    return below(to) && fails("rename") ? refuse(EIO) : real(from, to);
}

int close(int fd)
{
    REAL(close);
    int ours = is_watched(fd);
    if (ours) watched[fd] = 0;
    int result = real(fd);
    return ours && fails("close") ? refuse(EIO) : result;
}
