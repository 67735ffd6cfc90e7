/* Figures as JSON: the rows of /stats and what `earshot read --kpi --json` prints. One writer for both. */
#pragma once

#include "base/json.h"
#include "storage/kpi.h"

#define KPI_SELECT_MAX 32

/* Which figures are wanted: whole names ("pdd_p95_ms") or what they begin with up to an underscore ("pdd", "asr"). */
struct kpi_select {
    unsigned count; /* 0: all */
    char token[KPI_SELECT_MAX][24];
    bool met[KPI_SELECT_MAX];
};

/* From "asr,ner,pdd_p95_ms". Returns false, and the token at fault, for one that fits no figure or for too many. */
bool kpi_select_parse(struct kpi_select *select, const char *text, char ret_bad[24]);

struct kpi_row {
    const struct kpi_cell *cell;
    uint32_t concurrent_max;
    uint32_t started_max;
    int64_t span_us; /* of time; 0: unknown */
};

/* Keys and values into the object that is open. `select` NULL: all. */
void kpi_json_figures(struct json *j, const struct kpi_row *row, struct kpi_select *select);
void kpi_json_codes(struct json *j, const struct kpi_cell *cell);
/* "rules": which codes and causes NER credits. */
void kpi_json_rules(struct json *j, const struct kpi_rules *rules);
