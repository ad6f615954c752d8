#include "algos/registry.h"

#include "algos/mf/app.h"

const ps_algo *const psi_algos[] = {&psi_mf_algo};
const size_t psi_algo_count = sizeof psi_algos / sizeof psi_algos[0];
