/* A record's media -> one audio file: what is wanted, and what is said about it afterwards. It is made in the process that decodes
 * (decoder/sound_render.h), so whatever of the configuration is new here has to be packed for it (confine/job.c). */
#pragma once

#include "app/diagnose/diagnose.h"
#include "decode/render.h"
#include "storage/record.h"

#define SOUND_FILMS_MAX 64 /* of a call */
#define SOUND_PAGES_MAX 256 /* of faxes in a call */

enum sound_tags { SOUND_TAGS_NONE, SOUND_TAGS_IDS, SOUND_TAGS_NUMBERS };

struct sound_config {
    const char *data_dir;                /* where the spool is */
    const char *name;                    /* template of files (storage/media_name.h); "" or NULL: by media_path() */
    enum audio_codec codec;              /* of files, where the record wants no other */
    enum render_layout layout;
    enum sound_tags tags;                /* what files say of themselves */
    int64_t rollover_ns, rollover_bytes; /* 0: never */
    int64_t silence_max_ns;              /* a longer pause of everybody is cut to this; 0: to a day */
    bool listen;                         /* measure what the channels sound like */
    bool mask_dtmf;                      /* keys that are heard are told as '*' */
    bool video;                          /* make films of what is shown, too */
    bool fax;                            /* and the pages of a fax */
    bool peaks;                          /* and a waveform beside the sound (storage/peaks.h) */
    struct diagnose_config diagnosis;    /* what is said about that */
    struct counters *counters;           /* may be NULL */
    struct render_place *place;          /* decode/render.h; may be NULL */
    const struct render_skip *skips;     /* what is left out */
    unsigned skip_count;
};

#define SOUND_PACKING_MAX 512 /* octets of the text that names streams packed otherwise than their codec says */

/* What the call's files will be: the format that its record wants, else the configured one. Its container (audio_container()) is the
 * end of the path that confined_render() takes. */
enum audio_codec sound_codec(const struct call_record *r, const struct sound_config *config);
/* The call is judged once more, now that its sound is known; labels that are new are counted. Nothing without sound. */
void sound_judge(struct call_record *r, const struct sound_config *config);

/* One side of a call, as a track. */
struct sound_voice {
    struct call_record *call; /* is not changed */
    const char *party; /* caller, callee */
    int line;          /* only of this m= line; -1: of any */
    struct slice user; /* whose it is */
    struct slice uri;
};
