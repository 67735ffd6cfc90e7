#include "tests/support/build/pcap_out.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"

#define BUFFER_BYTES (1 << 20)

static void le32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

int pcap_out_open(struct pcap_out *p, const char *path, bool nanoseconds, uint16_t link_type)
{
    uint8_t head[24] = {0};
    *p = (struct pcap_out){.file = fopen(path, "wb"), .nanoseconds = nanoseconds};
    if (p->file == NULL)
        return err_of_errno(errno);
    p->buffer = malloc(BUFFER_BYTES);
    if (p->buffer)
        setvbuf(p->file, p->buffer, _IOFBF, BUFFER_BYTES);
    le32(head, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
    head[4] = 2; /* version 2.4 */
    head[6] = 4;
    le32(head + 16, 65535);
    le32(head + 20, link_type);
    fwrite(head, 1, sizeof head, p->file);
    return 0;
}

void pcap_out_frame(struct pcap_out *p, const struct frame *f)
{
    uint8_t head[16];
    uint64_t ns = (uint64_t)f->time_ns;
    le32(head, (uint32_t)(ns / 1000000000));
    le32(head + 4, (uint32_t)(ns % 1000000000 / (p->nanoseconds ? 1 : 1000)));
    le32(head + 8, (uint32_t)f->bytes.size);
    le32(head + 12, f->wire_bytes);
    fwrite_unlocked(head, 1, sizeof head, p->file);
    fwrite_unlocked(f->bytes.data, 1, f->bytes.size, p->file);
}

int pcap_out_close(struct pcap_out *p)
{
    bool failed = ferror(p->file);
    failed |= fclose(p->file) != 0;
    free(p->buffer);
    return failed ? ERR_IO : 0;
}
