/* All of tortoise's public headers. */
#ifndef TORTOISE_TORTOISE_H
#define TORTOISE_TORTOISE_H

#include "tortoise/algo.h"
#include "tortoise/err.h"
#include "tortoise/program.h"
#include "tortoise/random.h"
#include "tortoise/saved.h"
#include "tortoise/worker.h"

#endif
