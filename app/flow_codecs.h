/* The codecs of flows. Both directions of a call and their RTCP mostly have the same ones: flows of a call share a list, which goes with
 * the last of them. */
#pragma once

#include "app/worker.h"

/* The flow has these from now on. False without memory; then it keeps what it had. */
bool flow_codecs_set(struct wflow *f, const struct rtp_codec *codecs, unsigned count);
/* One more behind them. */
bool flow_codecs_add(struct wflow *f, const struct rtp_codec *codec);
/* The flow has none any more. */
void flow_codecs_drop(struct wflow *f);
