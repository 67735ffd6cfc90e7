/* Any bytes as the answer of the process that decodes, and as a job for it. What is believed can be shown: as JSON. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/record_json.h"
#include "app/confine/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(const struct call_record *r)
{
    struct buf out;
    struct json j;
    buf_init(&out, (size_t)64 << 20);
    json_init(&j, &out);
    record_json(&j, r, RECORD_JSON_FULL, true);
    buf_fini(&out);
}

static void use_answer(enum job_kind kind, struct slice bytes)
{
    static struct counters counters;
    struct job job = {.kind = kind, .dir = "/d", .path = "audio/a.wav", .record_count = 1, .records = {record_new()}};
    struct sound_voice voices[2] = {{.call = job.records[0]}, {.call = job.records[0]}};
    struct why why = {0};
    int err = 0;
    if (job.records[0] == NULL)
        return;
    job.records[0]->kind = "call";
    job.records[0]->final = true;
    job.records[0]->recording.result = "recorded";
    job.voices = voices;
    job.voice_count = 2;
    if (answer_read(bytes, &job, &counters, &err, &why)) {
        const struct record_recording *g = &job.records[0]->recording;
        assert(err <= 0 && (kind != JOB_CALL || g->result));
        assert(g->state == NULL || slice_starts(g->path, "audio/a"));
        show(job.records[0]);
    }
    job_free(&job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    if (data[0] % 3 < 2) {
        use_answer(data[0] % 3 ? JOB_TRACKS : JOB_CALL, rest);
        return 0;
    }
    struct job job;
    (void)job_read(rest, &job);
    job_free(&job);
    return 0;
}
