#include "base/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define WIDTH 40

void progress_init(struct progress *p, const char *label, int quiet)
{
    *p = (struct progress){.label = label, .on = !quiet && isatty(STDERR_FILENO)};
}

void progress_show(struct progress *p, double share, uint64_t packets)
{
    char bar[WIDTH + 1];
    if (!p->on)
        return;
    int64_t now = clock_mono_ns();
    if (now - p->drawn_ns < 100000000)
        return;
    p->drawn_ns = now;
    int full = (int)(share * WIDTH);
    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)(full < 0 ? 0 : full > WIDTH ? WIDTH : full));
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3.0f %%  %.1f M packets ", p->label, bar, share * 100, (double)packets / 1e6);
}

void progress_clear(struct progress *p)
{
    if (p->on && p->drawn_ns)
        fprintf(stderr, "\r\033[K");
    p->drawn_ns = 0;
}
