/* The steps, taken. */
#include "app/decoder/ear_child.h"

#include "app/confine/ear_steps.h"
#include "app/confine/job.h"
#include "decode/earpiece.h"

#define FRAMES_MAX 4096

static void take_packet(struct earpiece *ear, struct pack *p)
{
    struct ear_packet v = {0};
    ear_packet_pack(p, &v);
    if (!p->failed && ear && v.channel < EARPIECE_CHANNELS)
        earpiece_packet(ear, v.channel, v.flow, v.time_ns, v.datagram, &v.codec);
}

static void open_ear(struct earpiece **ear, struct pack *p)
{
    int rate_hz = 0;
    pack_int(p, &rate_hz);
    earpiece_free(*ear);
    *ear = NULL;
    if (!p->failed && earpiece_new(rate_hz, ear) != 0)
        p->failed = true;
}

static uint32_t read_ear(struct earpiece *ear, struct pack *p, int16_t *frames)
{
    int64_t until_ns = 0;
    uint32_t most = 0;
    pack_i64(p, &until_ns);
    pack_u32(p, &most);
    int count = p->failed || most > FRAMES_MAX ? 0 : earpiece_read(ear, until_ns, frames, (int)most);
    return count > 0 ? (uint32_t)count : 0;
}

void ear_take_steps(struct earpiece **ear, struct slice frame, struct buf *answer)
{
    int16_t frames[2 * FRAMES_MAX];
    struct arena *arena = arena_new(16384, JOB_BYTES_MAX);
    struct pack p = pack_reader(frame, arena);
    uint32_t nothing = 1, count = 0;
    uint8_t step = EAR_DONE;
    int64_t value = 0, at_ns = 0;
    pack_u32(&p, &nothing);
    p.failed |= arena == NULL || nothing != 0;
    for (;;) {
        pack_u8(&p, &step);
        if (p.failed || step == EAR_DONE || (step != EAR_OPEN && *ear == NULL))
            break;
        if (step == EAR_OPEN)
            open_ear(ear, &p);
        else if (step == EAR_PACKET)
            take_packet(*ear, &p);
        else if (step == EAR_READ)
            count = read_ear(*ear, &p, frames);
        else if (step == EAR_END)
            value = earpiece_end(*ear);
        else
            pack_i64(&p, &at_ns);
        if (step == EAR_BEGIN && !p.failed)
            earpiece_begin(*ear, at_ns);
        if (step == EAR_SKIP && !p.failed)
            value = earpiece_skip(*ear, at_ns);
    }
    struct pack out = pack_writer(answer);
    pack_bool(&out, &p.failed);
    pack_i64(&out, &value);
    pack_u32(&out, &count);
    pack_bytes(&out, frames, count * 4);
    job_end_pack(&out);
    arena_free(arena);
}
