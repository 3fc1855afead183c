/* Preloaded into a server: its wall clock is ahead by the seconds that stand in /tmp/clock-step (behind, where they are negative). */
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

/* The server's own C library has it, whichever that is. */
extern long syscall(long number, ...);

static long step(void) {
  char text[32];
  long file = syscall(SYS_openat, AT_FDCWD, "/tmp/clock-step", O_RDONLY);
  if (file < 0) return 0;
  long length = syscall(SYS_read, file, text, sizeof text);
  syscall(SYS_close, file);
  long seconds = 0, sign = 1;
  for (long n = 0; n < length; n += 1) {
    if (text[n] == '-') sign = -1;
    if (text[n] >= '0' && text[n] <= '9') seconds = seconds * 10 + (text[n] - '0');
  }
  return sign * seconds;
}

int clock_gettime(clockid_t id, struct timespec *now) {
  long failed = syscall(SYS_clock_gettime, id, now);
  if (failed == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += step();
  return (int)failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec precise;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (out) *out = precise.tv_sec;
  return precise.tv_sec;
}
