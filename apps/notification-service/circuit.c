#include "apps/notification-service/circuit.h"

static uint64_t pause_ms(unsigned failures, uint64_t luck)
{
    uint64_t pause = CIRCUIT_PAUSE_FIRST_MS;

    for (unsigned i = 1; i < failures && pause < CIRCUIT_PAUSE_MAX_MS; i++)
        pause *= 2;
    if (pause > CIRCUIT_PAUSE_MAX_MS)
        pause = CIRCUIT_PAUSE_MAX_MS;
    return pause * 3 / 4 + luck % (pause / 2 + 1);
}

bool circuit_failed(struct circuit *circuit, uint64_t now_ms, uint64_t luck)
{
    if (circuit->failures && now_ms < circuit->resume_ms)
        return false;
    circuit->failures++;
    circuit->resume_ms = now_ms + pause_ms(circuit->failures, luck);
    return circuit->failures == 1;
}

bool circuit_passed(struct circuit *circuit)
{
    bool ended = circuit->failures > 0;

    circuit->failures = 0;
    return ended;
}

unsigned circuit_limit(const struct circuit *circuit, uint64_t now_ms, unsigned most)
{
    if (!circuit->failures)
        return most;
    return now_ms < circuit->resume_ms ? 0 : 1;
}
