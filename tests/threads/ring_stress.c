/* Two threads over one ring for two seconds at most: every record the producer could place arrives
 * once, in order and whole; both sides sleep and wake. Run under ThreadSanitizer as well. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ring.h"

enum { RECORDS = 400000, RING_BYTES = 16 * 1024 };

struct shared {
    struct ring *ring;
    uint64_t refused; /* producer's, read after the join */
    uint64_t placed;
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static size_t size_of_record(uint64_t number)
{
    return 8 + (number * 7919) % 300;
}

static void place(struct shared *s, bool vital)
{
    size_t size = size_of_record(s->placed);
    uint8_t *p = ring_reserve(s->ring, size, vital);
    if (p == NULL) {
        s->refused++;
        ring_publish(s->ring);
        return;
    }
    memset(p, (int)(s->placed & 0xff), size);
    memcpy(p, &s->placed, sizeof s->placed);
    ring_commit(s->ring);
    s->placed++;
}

static void *produce(void *context)
{
    struct shared *s = context;
    uint32_t random = 1;
    int64_t end = clock_mono_ns() + INT64_C(1500000000);
    while (s->placed < RECORDS && clock_mono_ns() < end) {
        uint32_t batch = next_random(&random) % 64;
        for (uint32_t i = 0; i < batch; i++)
            place(s, next_random(&random) % 8 == 0);
        ring_publish(s->ring);
        if (batch == 0)
            usleep(200); /* now and then the consumer must fall asleep */
    }
    ring_close(s->ring);
    return NULL;
}

static void check(struct slice record, uint64_t number)
{
    uint64_t found;
    memcpy(&found, record.data, sizeof found);
    bool good = record.size == size_of_record(number) && found == number;
    for (size_t i = sizeof found; good && i < record.size; i++)
        good = record.data[i] == (uint8_t)number;
    if (good)
        return;
    fprintf(stderr, "record %llu is not what was written\n", (unsigned long long)number);
    exit(1);
}

static uint64_t consume(struct ring *r)
{
    uint64_t count = 0;
    while (ring_wait(r, -1)) { /* a lost wake-up would never end: the test times out */
        for (struct slice s; (s = ring_next(r)).size;) {
            check(s, count++);
            if (count % 16 == 0)
                ring_release(r);
        }
        ring_release(r);
        if (ring_depth(r) > ring_capacity(r))
            exit(1);
    }
    return count;
}

int main(void)
{
    struct shared s = {.ring = ring_new(RING_BYTES)};
    pthread_t producer;
    if (s.ring == NULL || pthread_create(&producer, NULL, produce, &s) != 0)
        return 1;
    uint64_t count = consume(s.ring);
    pthread_join(producer, NULL);
    printf("%llu records, %llu refused\n", (unsigned long long)count,
           (unsigned long long)s.refused);
    ring_free(s.ring);
    return count == s.placed && count > 0 ? 0 : 1;
}
