/* Sockets: making them, with the options that a run needs. All are non-blocking and closed by exec.
 */
#ifndef PSI_SOCKET_H
#define PSI_SOCKET_H

#include <sys/socket.h>

#include "tortoise/err.h"

/* Where a process listens. */
typedef struct psi_address {
    struct sockaddr_storage storage;
    socklen_t size_bytes;
} psi_address;

enum { PSI_ADDRESS_TEXT_BYTES = 72 };

/* Writes "127.0.0.1:40123" or "[::1]:40123". */
void psi_address_format(const psi_address *address, char text[static PSI_ADDRESS_TEXT_BYTES]);

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

/* The pending error of a socket as errno has it, 0 if none. */
int psi_socket_error(int fd);

#endif
