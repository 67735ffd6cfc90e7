/* What is known of a recording without decoding anything. */
#include "app/sound.h"

#include "base/counters.h"

enum audio_codec sound_codec(const struct call_record *r, const struct sound_config *config)
{
    char format[16];
    enum audio_codec codec;
    slice_copy_to(r->recording.format, format, sizeof format);
    return r->recording.format.size && audio_format_find(format, &codec) ? codec : config->codec;
}

void sound_judge(struct call_record *r, const struct sound_config *config)
{
    if (!r->final || r->recording.sound.channel_count == 0)
        return;
    uint32_t before = diagnose_labels(r);
    diagnose(r, &config->diagnosis);
    uint32_t more = diagnose_labels(r) & ~before;
    r->diagnosis.sounded |= more != 0;
    r->recording.one_way = r->one_way;
    for (unsigned i = 0; config->counters && i < DIAGNOSE_LABELS; i++)
        counters_add(config->counters, C_CALL_DIAGNOSES + i, more >> i & 1);
}
