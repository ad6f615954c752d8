/* Sockets: making them, with the options that a run needs. All are non-blocking and closed by exec.
 */
#ifndef PSI_SOCKET_H
#define PSI_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

#include "tortoise/err.h"

/* Where a process listens. */
typedef struct psi_address {
    struct sockaddr_storage storage;
    socklen_t size_bytes;
} psi_address;

/* Those of one host; more than these are left out. */
enum { PSI_ADDRESSES_MAX = 16 };
typedef struct psi_addresses {
    psi_address items[PSI_ADDRESSES_MAX];
    size_t count;
    bool is_final; /* asking again would give the same */
} psi_addresses;

enum { PSI_ADDRESS_TEXT_BYTES = 72, PSI_ADDRESS_HOST_BYTES = 254 };

/* Writes "127.0.0.1:40123" or "[::1]:40123". */
void psi_address_format(const psi_address *address, char text[static PSI_ADDRESS_TEXT_BYTES]);

/* Splits "host:port", "host", "[::1]:port", "::1" or ":port" into a host (empty if there is none)
 * and a port (`default_port` if there is none). `what` ("--bind") stands before the message.
 * PS_EINVAL. */
PS_MUST_CHECK ps_err psi_address_split(const char *text, const char *what, uint16_t default_port,
                                       char host[static PSI_ADDRESS_HOST_BYTES], uint16_t *port_out,
                                       ps_fault *fault);

/* Finds the addresses of a host by name or number, with `port`. Blocks for as long as the system
 * looks it up. PS_EINVAL if it has none. */
PS_MUST_CHECK ps_err psi_address_resolve(const char *host, uint16_t port,
                                         psi_addresses *addresses_out, ps_fault *fault);

/* The address that stands for all of this machine's, IPv6 with IPv4 in it, or IPv4 alone. */
psi_address psi_address_any(bool is_ipv6, uint16_t port);

bool psi_address_is_loopback(const psi_address *address);
bool psi_address_is_any(const psi_address *address);

uint16_t psi_address_port(const psi_address *address);
void psi_address_set_port(psi_address *address, uint16_t port);

/* The address of this end of a connection; an IPv4 address in an IPv6 one is taken out. size_bytes
 * is 0 if there is none. */
psi_address psi_socket_own_address(int fd);

/* Listens at `address`, whose port 0 lets the system choose; *address_out is where it came to.
 * PS_EIO, with what to do if the port is in use or the address is not this machine's. */
PS_MUST_CHECK ps_err psi_socket_listen(const psi_address *address, int pending_max, int *fd_out,
                                       psi_address *address_out, ps_fault *fault);

/* Listens on 127.0.0.1 at a port that the system chooses; nothing outside of this machine can
 * connect. `pending_max` connections may wait to be accepted. Returns PS_OK or PS_EIO. */
PS_MUST_CHECK ps_err psi_socket_listen_local(int pending_max, int *fd_out, psi_address *address_out,
                                             ps_fault *fault);

/* Begins to connect; whether it succeeds shows when the socket becomes writable. PS_OK or PS_EIO.
 */
PS_MUST_CHECK ps_err psi_socket_connect(const psi_address *address, int *fd_out, ps_fault *fault);

/* Accepts a connection. Returns its descriptor, -1 if none waits, or -2 after a failure that
 * concerns this process (too many open files); a connection that its peer gave up is skipped. */
int psi_socket_accept(int listener);

/* What a user can do about a failed system call, as the end of its line; empty if nothing is known.
 */
const char *psi_system_advice(int error);

/* The pending error of a socket as errno has it, 0 if none. */
int psi_socket_error(int fd);

#endif
