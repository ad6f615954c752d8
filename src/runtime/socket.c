#define _GNU_SOURCE /* accept4 */
#include "runtime/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

void psi_address_format(const psi_address *address, char text[static PSI_ADDRESS_TEXT_BYTES]) {
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &address->storage, sizeof in6);
        (void)inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
        (void)snprintf(text, PSI_ADDRESS_TEXT_BYTES, "[%s]:%u", host, ntohs(in6.sin6_port));
    } else {
        struct sockaddr_in in;
        memcpy(&in, &address->storage, sizeof in);
        (void)inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
        (void)snprintf(text, PSI_ADDRESS_TEXT_BYTES, "%s:%u", host, ntohs(in.sin_port));
    }
}

/* Small frames must not wait for the acknowledgement of earlier ones. */
static void set_no_delay(int fd) {
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

ps_err psi_socket_listen_local(int pending_max, int *fd_out, psi_address *address_out,
                               ps_fault *fault) {
    *fd_out = -1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return ps_fault_set(fault, PS_EIO, "cannot make a socket: %s", strerror(errno));
    }
    psi_address address = {.size_bytes = sizeof(struct sockaddr_in)};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memcpy(&address.storage, &in, sizeof in);
    if (bind(fd, (const struct sockaddr *)&address.storage, address.size_bytes) != 0 ||
        listen(fd, pending_max) != 0 ||
        getsockname(fd, (struct sockaddr *)&address.storage, &address.size_bytes) != 0) {
        const int failed = errno;
        (void)close(fd);
        return ps_fault_set(fault, PS_EIO, "cannot listen on 127.0.0.1: %s", strerror(failed));
    }
    *fd_out = fd;
    *address_out = address;
    return PS_OK;
}

ps_err psi_socket_connect(const psi_address *address, int *fd_out, ps_fault *fault) {
    *fd_out = -1;
    char text[PSI_ADDRESS_TEXT_BYTES];
    psi_address_format(address, text);
    const int fd =
        socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return ps_fault_set(fault, PS_EIO, "cannot make a socket for %s: %s", text,
                            strerror(errno));
    }
    set_no_delay(fd);
    const int failed =
        connect(fd, (const struct sockaddr *)&address->storage, address->size_bytes) == 0 ? 0
                                                                                          : errno;
    if (failed != 0 && failed != EINPROGRESS) {
        (void)close(fd);
        return ps_fault_set(fault, PS_EIO, "cannot connect to %s: %s", text, strerror(failed));
    }
    *fd_out = fd;
    return PS_OK;
}

int psi_socket_accept(int listener) {
    for (;;) {
        const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            set_no_delay(fd);
            return fd;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return -1;
        }
        if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) {
            return -2;
        }
    }
}

int psi_socket_error(int fd) {
    int error = 0;
    socklen_t size_bytes = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size_bytes) == 0 ? error : errno;
}
