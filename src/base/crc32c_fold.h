/* The ways of crc32c.c that need instructions which not every processor has. */
#ifndef PSI_CRC32C_FOLD_H
#define PSI_CRC32C_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PSI_CRC32C_FOLD_512_MIN_BYTES = 512 }; /* below, setting up costs more than it saves */

/* Whether this processor can. O(1). */
bool psi_crc32c_can_fold_128(void);
bool psi_crc32c_can_fold_512(void);

/* As psi_crc32c(); only where the processor can. */
uint32_t psi_crc32c_fold_128(uint32_t crc, const uint8_t *bytes, size_t size_bytes);
uint32_t psi_crc32c_fold_512(uint32_t crc, const uint8_t *bytes, size_t size_bytes);

#endif
