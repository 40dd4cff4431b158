// Preloaded into a program under test: lets the n-th call of one kind fail, and time run faster.
//
// REELD_FAIL       KIND:ERRNO:N:TIMES   the calls N … N+TIMES-1 of KIND fail with that errno
//                                       (getaddrinfo: with that EAI_ value)
// REELD_FAIL_LOG   FILE                 one line for each failed call: "KIND N fd-or-path"
// REELD_FAIL_COUNT FILE                 at the end, one line for each kind: "KIND calls"
// REELD_WARP       FACTOR:REALTIME_NS   clocks run FACTOR times as fast; the wall clock since the
//                                       given moment, so that several programs agree
//
// SQLite calls the 64-bit names, the daemon the plain ones: so the kinds tell them apart.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum kind {
    k_socket, k_connect, k_accept, k_sendmsg, k_recvmsg, k_getaddrinfo, k_epoll_ctl,
    k_open, k_openat, k_write, k_pread, k_fsync, k_ftruncate, k_renameat2, k_unlink, k_mkdirat,
    k_statvfs, k_inotify_add_watch,
    k_open64, k_pread64, k_pwrite64, k_fdatasync, k_ftruncate64, k_lock64, k_mmap64,
    kinds
};
static const char* const names[kinds] = {
    "socket", "connect", "accept", "sendmsg", "recvmsg", "getaddrinfo", "epoll_ctl",
    "open", "openat", "write", "pread", "fsync", "ftruncate", "renameat2", "unlink", "mkdirat",
    "statvfs", "inotify_add_watch",
    "open64", "pread64", "pwrite64", "fdatasync", "ftruncate64", "lock64", "mmap64",
};

static atomic_long calls[kinds];
static int failing = -1;
static int failing_errno;
static long failing_first;
static long failing_times;
static int log_fd = -1;
static const char* count_file;
static int64_t warp = 1;
static int64_t wall_start;
static int64_t monotonic_start;

#define REAL(type, name, parameters)                       \
    static type(*real) parameters;                         \
    if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, name)

static int64_t kernel_time(clockid_t clock) {
    REAL(int, "clock_gettime", (clockid_t, struct timespec*));
    struct timespec now;
    real(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

__attribute__((constructor)) static void read_environment(void) {
    const char* text = getenv("REELD_FAIL_LOG");
    if (text != NULL) log_fd = open(text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    text = getenv("REELD_FAIL");
    char kind[32];
    if (text != NULL &&
        sscanf(text, "%31[^:]:%d:%ld:%ld", kind, &failing_errno, &failing_first, &failing_times) == 4) {
        for (int i = 0; i < kinds; ++i) {
            if (strcmp(kind, names[i]) == 0) failing = i;
        }
        if (failing < 0) abort();
    }
    count_file = getenv("REELD_FAIL_COUNT");
    monotonic_start = kernel_time(CLOCK_MONOTONIC);
    text = getenv("REELD_WARP");
    if (text != NULL) sscanf(text, "%ld:%ld", &warp, &wall_start);
    // Calls of the loader and of this function do not count.
    for (int i = 0; i < kinds; ++i) atomic_store(&calls[i], 0);
}

__attribute__((destructor)) static void write_counts(void) {
    FILE* file = count_file == NULL ? NULL : fopen(count_file, "w");
    if (file == NULL) return;
    for (int i = 0; i < kinds; ++i) fprintf(file, "%s %ld\n", names[i], atomic_load(&calls[i]));
    fclose(file);
}

// Whether this call is one that fails.
static int fails(enum kind kind, const char* what, int fd) {
    const long n = atomic_fetch_add(&calls[kind], 1) + 1;
    if ((int)kind != failing || n < failing_first || n >= failing_first + failing_times) return 0;
    if (log_fd >= 0) {
        char line[300];
        const int size = snprintf(line, sizeof line, "%s %ld %s %d\n", names[kind], n,
                                  what == NULL ? "" : what, fd);
        REAL(ssize_t, "write", (int, const void*, size_t));
        if (real(log_fd, line, (size_t)size) < 0) abort();
    }
    errno = failing_errno;
    return 1;
}

#define FORWARD(type, name, kind, what, fd, parameters, ...)        \
    type name parameters {                                          \
        REAL(type, #name, parameters);                              \
        return fails(kind, what, fd) ? (type)-1 : real(__VA_ARGS__); \
    }

FORWARD(int, socket, k_socket, NULL, -1, (int domain, int type, int protocol), domain, type, protocol)
FORWARD(int, connect, k_connect, NULL, fd, (int fd, const struct sockaddr* address, socklen_t size),
        fd, address, size)
FORWARD(int, accept, k_accept, NULL, fd, (int fd, struct sockaddr* address, socklen_t* size), fd,
        address, size)
FORWARD(ssize_t, sendmsg, k_sendmsg, NULL, fd, (int fd, const struct msghdr* message, int flags), fd,
        message, flags)
FORWARD(ssize_t, send, k_sendmsg, NULL, fd, (int fd, const void* bytes, size_t size, int flags), fd,
        bytes, size, flags)
FORWARD(ssize_t, recvmsg, k_recvmsg, NULL, fd, (int fd, struct msghdr* message, int flags), fd,
        message, flags)
FORWARD(ssize_t, recv, k_recvmsg, NULL, fd, (int fd, void* bytes, size_t size, int flags), fd, bytes,
        size, flags)
FORWARD(int, epoll_ctl, k_epoll_ctl, NULL, fd, (int poll, int op, int fd, struct epoll_event* event),
        poll, op, fd, event)
FORWARD(ssize_t, pread, k_pread, NULL, fd, (int fd, void* bytes, size_t size, off_t at), fd, bytes,
        size, at)
FORWARD(int, fsync, k_fsync, NULL, fd, (int fd), fd)
FORWARD(int, ftruncate, k_ftruncate, NULL, fd, (int fd, off_t size), fd, size)
FORWARD(int, renameat2, k_renameat2, to, -1,
        (int from_folder, const char* from, int to_folder, const char* to, unsigned flags),
        from_folder, from, to_folder, to, flags)
FORWARD(int, unlink, k_unlink, path, -1, (const char* path), path)
FORWARD(int, mkdirat, k_mkdirat, path, -1, (int folder, const char* path, mode_t mode), folder, path,
        mode)
FORWARD(int, statvfs, k_statvfs, path, -1, (const char* path, struct statvfs* facts), path, facts)
FORWARD(int, inotify_add_watch, k_inotify_add_watch, path, fd,
        (int fd, const char* path, uint32_t mask), fd, path, mask)
FORWARD(ssize_t, pread64, k_pread64, NULL, fd, (int fd, void* bytes, size_t size, off64_t at), fd,
        bytes, size, at)
FORWARD(ssize_t, pwrite64, k_pwrite64, NULL, fd, (int fd, const void* bytes, size_t size, off64_t at),
        fd, bytes, size, at)
FORWARD(int, fdatasync, k_fdatasync, NULL, fd, (int fd), fd)
FORWARD(int, ftruncate64, k_ftruncate64, NULL, fd, (int fd, off64_t size), fd, size)
FORWARD(void*, mmap64, k_mmap64, NULL, fd,
        (void* address, size_t size, int protection, int flags, int fd, off64_t at), address, size,
        protection, flags, fd, at)

// Only files of the daemon's work: no log, no pipe of a signal.
ssize_t write(int fd, const void* bytes, size_t size) {
    REAL(ssize_t, "write", (int, const void*, size_t));
    struct stat facts;
    if (fd > 2 && fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && fails(k_write, NULL, fd)) {
        return -1;
    }
    return real(fd, bytes, size);
}

#define FORWARD_OPEN(name, kind)                                         \
    int name(const char* path, int flags, ...) {                         \
        REAL(int, #name, (const char*, int, ...));                       \
        va_list rest;                                                    \
        va_start(rest, flags);                                           \
        const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                    \
        return fails(kind, path, -1) ? -1 : real(path, flags, mode);     \
    }
FORWARD_OPEN(open, k_open)
FORWARD_OPEN(open64, k_open64)

int openat(int folder, const char* path, int flags, ...) {
    REAL(int, "openat", (int, const char*, int, ...));
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return fails(k_openat, path, folder) ? -1 : real(folder, path, flags, mode);
}

int fcntl64(int fd, int command, ...) {
    REAL(int, "fcntl64", (int, int, ...));
    va_list rest;
    va_start(rest, command);
    void* argument = va_arg(rest, void*);
    va_end(rest);
    const int locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK;
    if (locks && ((struct flock*)argument)->l_type != F_UNLCK && fails(k_lock64, NULL, fd)) return -1;
    return real(fd, command, argument);
}

int getaddrinfo(const char* host, const char* service, const struct addrinfo* hints,
                struct addrinfo** found) {
    REAL(int, "getaddrinfo",
         (const char*, const char*, const struct addrinfo*, struct addrinfo**));
    return fails(k_getaddrinfo, host, -1) ? failing_errno : real(host, service, hints, found);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
    int64_t at = kernel_time(clock);
    if (warp != 1 && clock == CLOCK_REALTIME) at = wall_start + (at - wall_start) * warp;
    if (warp != 1 && (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)) {
        at = monotonic_start + (at - monotonic_start) * warp;
    }
    now->tv_sec = at / 1000000000;
    now->tv_nsec = at % 1000000000;
    return 0;
}

// Asio's timer: a duration, so it is as much shorter. An absolute one means "at once".
int timerfd_settime(int fd, int flags, const struct itimerspec* wanted, struct itimerspec* old) {
    REAL(int, "timerfd_settime", (int, int, const struct itimerspec*, struct itimerspec*));
    struct itimerspec warped = *wanted;
    if (warp != 1 && flags == 0) {
        int64_t wait = ((int64_t)wanted->it_value.tv_sec * 1000000000 + wanted->it_value.tv_nsec) / warp;
        if (wait == 0 && (wanted->it_value.tv_sec != 0 || wanted->it_value.tv_nsec != 0)) wait = 1;
        warped.it_value.tv_sec = wait / 1000000000;
        warped.it_value.tv_nsec = wait % 1000000000;
    }
    return real(fd, flags, &warped, old);
}
