#include "loopback.h"

#include "bench_raw.h"

ps_err tt_loopback_measure(double budget_s, tt_loopback *loopback_out, ps_fault *fault) {
    static const tt_raw_case trip = {
        .kind = TT_RAW_PING_PONG, .frame_bytes = 8, .window = 1, .is_free = true};
    static const tt_raw_case stream = {
        .kind = TT_RAW_PUSH, .frame_bytes = 1 << 20, .window = 4, .is_free = true};
    tt_raw_answer answer;
    PS_TRY(tt_raw_measure(&trip, 1, budget_s / 2, &answer, fault));
    const double latency_s = answer.median_s / 2;
    PS_TRY(tt_raw_measure(&stream, 1, budget_s / 2, &answer, fault));
    *loopback_out = (tt_loopback){.latency_s = latency_s, .bandwidth_bytes_per_s = answer.per_s};
    return PS_OK;
}
