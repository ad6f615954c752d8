#define _GNU_SOURCE /* accept4 */
#include "runtime/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netdb.h>
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

/* Reads a port, 1 to 65535, of digits alone. */
static bool read_port(const char *text, uint16_t *port_out) {
    const size_t length = strspn(text, "0123456789");
    const unsigned long port = length > 0 && length <= 5 ? strtoul(text, NULL, 10) : 0;
    if (text[length] != '\0' || port == 0 || port > UINT16_MAX) {
        return false;
    }
    *port_out = (uint16_t)port;
    return true;
}

ps_err psi_address_split(const char *text, const char *what, uint16_t default_port,
                         char host[static PSI_ADDRESS_HOST_BYTES], uint16_t *port_out,
                         ps_fault *fault) {
    const char *begin = text;
    size_t length = strlen(text);
    const char *port = NULL; /* behind the colon */
    const char *const colon = strchr(text, ':');
    bool is_good = true;
    if (text[0] == '[') {
        const char *const end = strchr(text, ']');
        begin = text + 1;
        length = end == NULL ? 0 : (size_t)(end - begin);
        is_good = length > 0 && (end[1] == '\0' || end[1] == ':');
        port = is_good && end[1] == ':' ? end + 2 : NULL;
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        length = (size_t)(colon - text);
        port = colon + 1;
    }
    *port_out = default_port;
    is_good = is_good && length < PSI_ADDRESS_HOST_BYTES && (length > 0 || port != NULL);
    if (!is_good || (port != NULL && !read_port(port, port_out))) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s: '%s' is no address; write HOST:PORT, as in 'n01:27800' or "
                            "'[::1]:27800', with a port from 1 to 65535",
                            what, text);
    }
    memcpy(host, begin, length);
    host[length] = '\0';
    return PS_OK;
}

ps_err psi_address_resolve(const char *host, uint16_t port, psi_addresses *addresses_out,
                           ps_fault *fault) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const int failed = getaddrinfo(host, NULL, &hints, &found);
    addresses_out->count = 0;
    addresses_out->is_final = failed != EAI_AGAIN;
    if (failed != 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "the host '%s' is not known here: %s; check the name, or write its "
                            "address",
                            host, failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed));
    }
    for (const struct addrinfo *at = found; at != NULL && addresses_out->count < PSI_ADDRESSES_MAX;
         at = at->ai_next) {
        if (at->ai_family != AF_INET && at->ai_family != AF_INET6) {
            continue;
        }
        psi_address *const address = &addresses_out->items[addresses_out->count++];
        *address = (psi_address){.size_bytes = at->ai_addrlen};
        memcpy(&address->storage, at->ai_addr, at->ai_addrlen);
        psi_address_set_port(address, port);
    }
    freeaddrinfo(found);
    return addresses_out->count > 0
               ? PS_OK
               : ps_fault_set(fault, PS_EINVAL, "the host '%s' has no IP address", host);
}

psi_address psi_address_any(bool is_ipv6, uint16_t port) {
    psi_address address = {0};
    if (is_ipv6) {
        const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
        memcpy(&address.storage, &in6, sizeof in6);
        address.size_bytes = sizeof in6;
    } else {
        const struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
        memcpy(&address.storage, &in, sizeof in);
        address.size_bytes = sizeof in;
    }
    psi_address_set_port(&address, port);
    return address;
}

static struct in6_addr address_in6(const psi_address *address) {
    struct sockaddr_in6 in6;
    memcpy(&in6, &address->storage, sizeof in6);
    return in6.sin6_addr;
}

static uint32_t address_in4(const psi_address *address) {
    struct sockaddr_in in;
    memcpy(&in, &address->storage, sizeof in);
    return ntohl(in.sin_addr.s_addr);
}

bool psi_address_is_loopback(const psi_address *address) {
    if (address->storage.ss_family == AF_INET6) {
        const struct in6_addr in6 = address_in6(address);
        return IN6_IS_ADDR_LOOPBACK(&in6) || (IN6_IS_ADDR_V4MAPPED(&in6) && in6.s6_addr[12] == 127);
    }
    return address_in4(address) >> 24 == 127;
}

bool psi_address_is_any(const psi_address *address) {
    if (address->storage.ss_family == AF_INET6) {
        const struct in6_addr in6 = address_in6(address);
        return IN6_IS_ADDR_UNSPECIFIED(&in6);
    }
    return address_in4(address) == INADDR_ANY;
}

/* The port is at the same place in both families. */
_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "one place for the port");

uint16_t psi_address_port(const psi_address *address) {
    struct sockaddr_in in;
    memcpy(&in, &address->storage, sizeof in);
    return ntohs(in.sin_port);
}

void psi_address_set_port(psi_address *address, uint16_t port) {
    const in_port_t in_order = htons(port);
    memcpy((char *)&address->storage + offsetof(struct sockaddr_in, sin_port), &in_order,
           sizeof in_order);
}

psi_address psi_socket_own_address(int fd) {
    psi_address address = {.size_bytes = sizeof address.storage};
    if (getsockname(fd, (struct sockaddr *)&address.storage, &address.size_bytes) != 0) {
        return (psi_address){0};
    }
    if (address.storage.ss_family == AF_INET6) {
        const struct in6_addr in6 = address_in6(&address);
        if (IN6_IS_ADDR_V4MAPPED(&in6)) {
            psi_address inner = psi_address_any(false, psi_address_port(&address));
            memcpy((char *)&inner.storage + offsetof(struct sockaddr_in, sin_addr),
                   in6.s6_addr + 12, 4);
            return inner;
        }
    }
    const bool is_ip =
        address.storage.ss_family == AF_INET || address.storage.ss_family == AF_INET6;
    return is_ip ? address : (psi_address){0};
}

static ps_err say_why_not(const psi_address *address, int reason, ps_fault *fault) {
    char text[PSI_ADDRESS_TEXT_BYTES];
    psi_address_format(address, text);
    const unsigned port = psi_address_port(address);
    switch (reason) {
    case EADDRINUSE:
        return ps_fault_set(fault, PS_EIO,
                            "cannot listen on %s: %s; 'ss -ltnp sport = :%u' shows who does; end "
                            "it, or give all ranks another port with --coordinator HOST:PORT",
                            text, strerror(reason), port);
    case EADDRNOTAVAIL:
        return ps_fault_set(fault, PS_EIO,
                            "cannot listen on %s: %s; this machine has no such address: give one "
                            "of its own with --bind, or start this rank where it belongs",
                            text, strerror(reason));
    case EACCES:
        return ps_fault_set(fault, PS_EIO, "cannot listen on %s: %s; take a port above 1023", text,
                            strerror(reason));
    default:
        return ps_fault_set(fault, PS_EIO, "cannot listen on %s: %s", text, strerror(reason));
    }
}

ps_err psi_socket_listen(const psi_address *address, int pending_max, int *fd_out,
                         psi_address *address_out, ps_fault *fault) {
    const int family = address->storage.ss_family;
    const int on = 1;
    const int off = 0;
    *fd_out = -1;
    *address_out = *address;
    const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return say_why_not(address, errno, fault);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, (const struct sockaddr *)&address->storage, address->size_bytes) != 0 ||
        listen(fd, pending_max) != 0 ||
        getsockname(fd, (struct sockaddr *)&address_out->storage, &address_out->size_bytes) != 0) {
        const int reason = errno;
        (void)close(fd);
        return say_why_not(address, reason, fault);
    }
    *fd_out = fd;
    return PS_OK;
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
        return ps_fault_set(fault, PS_EIO, "cannot make a socket: %s%s", strerror(errno),
                            psi_system_advice(errno));
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

const char *psi_system_advice(int error) {
    return error == EMFILE ? "; raise the limit ('ulimit -n')" : "";
}
