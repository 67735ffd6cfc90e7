#include "storage/siprec_voice.h"

int siprec_voice_line(const struct call_record *r, unsigned stream)
{
    struct slice label = r->siprec.streams[stream].label;
    for (uint32_t i = 0; i < r->line_count; i++)
        if (label.size && slice_equal(r->lines[i].label, label))
            return (int)r->lines[i].index;
    return -1;
}

int siprec_voice_of_line(const struct call_record *r, unsigned line)
{
    for (uint32_t i = 0; r->siprec.given && i < r->siprec.stream_count; i++)
        if (siprec_voice_line(r, i) == (int)line)
            return (int)i;
    return -1;
}

static const struct record_siprec_participant *speaker(const struct call_record *r, unsigned stream)
{
    int n = r->siprec.streams[stream].participant;
    return n >= 0 && (uint32_t)n < r->siprec.participant_count ? &r->siprec.participants[n] : NULL;
}

struct slice siprec_voice_name(const struct call_record *r, unsigned stream)
{
    const struct record_siprec_participant *p = speaker(r, stream);
    if (p && p->name.size)
        return p->name;
    return p && p->aor.size ? p->aor : r->siprec.streams[stream].label;
}

struct slice siprec_voice_uri(const struct call_record *r, unsigned stream)
{
    const struct record_siprec_participant *p = speaker(r, stream);
    return p ? p->aor : slice_none();
}
