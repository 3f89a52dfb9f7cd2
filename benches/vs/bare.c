/* A rate into requests, and nothing else: what an open loop that sends each request when it is due
 * costs on this machine at least. For each request one timer is set, one request is sent, one reply
 * is read; no reply is parsed, and nothing is recorded but how late each request was sent: later
 * than that is what this machine does to any client. What a load tester uses beyond it is its own.
 *
 * Usage: bare PORT RATE SECONDS CONNECTIONS    (of 127.0.0.1)
 * Prints how many replies it has read, and the schedule lag's p50 and p99 in microseconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MOST 1024
#define TIMER MOST
#define SECOND 1000000000LL

static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
static int epoll, timer, connections, idle[MOST], idle_count;
static int64_t *late;

static void fail(const char *what) { perror(what); exit(1); }

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void watch(int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
}

static void open_connections(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    while (idle_count < connections) {
        int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(fd, EPOLLIN | EPOLLET);
        idle[idle_count++] = fd;
    }
}

static void set_timer(int64_t at) {
    struct itimerspec when = {.it_value = {at / SECOND, at % SECOND}};
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL)) fail("timerfd_settime");
}

/* Reads what has come. 0: the wait was in vain for 2 s. */
static int wait_for_replies(long *read_count) {
    static char reply[1 << 16];
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, 2000);
    for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        if (fd == timer) continue;
        if (recv(fd, reply, sizeof reply, 0) <= 0) fail("recv");
        idle[idle_count++] = fd;
        ++*read_count;
    }
    return count;
}

int main(int count, char **words) {
    if (count != 5) return fprintf(stderr, "usage: bare PORT RATE SECONDS CONNECTIONS\n"), 2;
    double rate = atof(words[2]);
    long total = rate * atof(words[3]), sent = 0, read_count = 0;
    connections = atoi(words[4]);
    if (connections < 1 || connections > MOST) return fprintf(stderr, "1 to %d connections\n", MOST), 2;
    if (total < 1 || !(late = calloc(total, sizeof *late))) fail("at least one request");
    epoll = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (epoll < 0 || timer < 0) fail("epoll_create1, timerfd_create");
    watch(timer, EPOLLIN | EPOLLET);
    open_connections(atoi(words[1]));
    int64_t start = now(), armed = 0;
    while (read_count < total) {
        int64_t due = start + (int64_t)(sent * SECOND / rate), since = now() - due;
        if (sent < total && idle_count && since >= 0) {
            late[sent] = since;
            if (send(idle[--idle_count], REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) < 0) fail("send");
            sent++;
            continue;
        }
        if (sent < total && idle_count && due != armed) set_timer(armed = due);
        if (!wait_for_replies(&read_count)) break;
    }
    qsort(late, sent, sizeof *late, by_size);
    printf("%ld replies, late %ld %ld\n", read_count, (long)(late[sent / 2] / 1000), (long)(late[sent * 99 / 100] / 1000));
    return read_count < total;
}
