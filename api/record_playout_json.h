/* The part of a stream's JSON that comes from record_playout.h. */
#pragma once

#include "base/json.h"
#include "storage/record_playout.h"

/* Keys of the stream's object: mos_f50, mos_f200, playout, burst, pdv_ms, ipdv, spacings, ... */
void record_playout_json(struct json *j, const struct record_playout *v);
