#include "command.h"
ps_err tt_command_report(const tt_call *call, ps_fault *fault) { (void)call; return ps_fault_set(fault, PS_EINVAL, "x"); }
