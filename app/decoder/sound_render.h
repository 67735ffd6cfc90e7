/* A record's media -> files: joins spool and renderer. In the process that decodes. */
#pragma once

#include "app/sound.h"

/* Renders to the file `path` of the folder `dir` and fills r->recording (result, state, path, rate, duration, size, hash, undecodable, and
 * its files when there are several). 0 also when there is nothing that can be decoded (result says why); an ERR_ when the disk refused. */
int sound_render(struct call_record *r, const struct sound_config *config, const char *dir, const char *path, struct why *why);

/* The packets of one chain of the call, opened where they are protected; sound_packets_close() ends them. NULL when nothing of it
 * can be read. The record must live as long. */
struct sound_packets;
struct sound_packets *sound_packets_open(const struct call_record *r, uint32_t chain, const struct sound_config *config,
                                         struct render_flow *ret_flow);
void sound_packets_close(struct sound_packets *p);

/* A mono file of each voice (the first 32) and one with their sum, beside `path` (decode/output.h says how they are named); what became of
 * each goes to r->tracks, which stays empty when nobody was heard. 0, or an ERR_ when the disk refused. */
int sound_tracks(struct call_record *r, const struct sound_voice *voices, unsigned count, const struct sound_config *config, const char *dir,
                 const char *path, struct why *why);
