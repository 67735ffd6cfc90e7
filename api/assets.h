/* Files compiled into the program (embed.cmake): the page and the API's description. */
#pragma once

#include <stddef.h>

struct asset {
    const char *path; /* URL path */
    const char *type;
    const unsigned char *data;
    size_t size;
    size_t unpacked; /* of what is gzip, its size before; 0: it is stored as it is */
};

extern const struct asset ASSETS[];
extern const unsigned ASSET_COUNT;
