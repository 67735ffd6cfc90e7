/* Asks for each of them, and says what became of it. */
#include "app/confine/probes.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/confine/confine.h"
#include "app/confine/job.h"
#include "app/confine/process.h"
#include "base/counters.h"

static const struct process_bounds BOUNDS = {.cpu_ns = INT64_C(1000000000), .stop_fd = -1}; /* of a probe */

enum wanted { POSSIBLE, DENIED, KILLED, SPENT };

static const struct probe {
    const char *text;
    enum wanted wanted;
} probes[] = {
#define PROBE(name, text, wanted) {text, wanted},
#include "app/confine/probes.def"
#undef PROBE
};

#define PROBES (sizeof probes / sizeof *probes)

/* Says what became of it; false when that is not as it should be. */
static bool judge(const struct process *p, const struct probe *probe, enum process_end end, int err, const struct why *why)
{
    int signal = 0;
    const char *death = end == PROCESS_DIED ? label_text(LABELS_CRASH, process_died_of(p, &signal)) : "";
    bool right = probe->wanted == POSSIBLE ? end == PROCESS_ANSWERED && err == 0
                 : probe->wanted == DENIED ? end == PROCESS_ANSWERED && err != 0
                 : probe->wanted == KILLED ? strcmp(death, "seccomp") == 0
                                           : strcmp(death, "cpu") == 0;
    if (end == PROCESS_DIED)
        printf("%-28s ended (%s)%s\n", probe->text, death, right ? "" : "  NOT AS IT SHOULD BE");
    else
        printf("%-28s %s%s%s%s\n", probe->text, err ? "refused (" : "possible", err ? why->text : "", err ? ")" : "", right ? "" : "  NOT AS IT SHOULD BE");
    return right;
}

/* In a process of its own. */
static bool check(const struct process_config *config, const char *data_dir, unsigned number, struct why *why)
{
    struct process *p = NULL;
    struct buf body, keys;
    struct slice answer;
    struct why said = {0};
    int err = process_start(config, &p, why);
    struct job job = {.kind = JOB_PROBE, .probe = number, .dir = data_dir, .path = "", .sound.data_dir = data_dir, .record_count = 1};
    job.records[0] = record_new();
    bool right = false;
    buf_init(&body, 1 << 20);
    buf_init(&keys, 1 << 10);
    if (err == 0 && job.records[0]) {
        job_write(&body, &job);
        job_write_keys(&keys, &job);
        const struct slice parts[2] = {buf_view(&body), buf_view(&keys)};
        enum process_end end = process_ask(p, parts, 2, &BOUNDS, &answer);
        if (end == PROCESS_ANSWERED && !answer_read(answer, &job, NULL, &err, &said))
            end = PROCESS_STOPPED;
        right = judge(p, &probes[number], end, err, &said);
    }
    job_free(&job);
    buf_fini(&body);
    buf_fini(&keys);
    process_free(p);
    return right;
}

#define FOLDERS 3

/* Which of them were not there yet. */
static unsigned make_folders(const char *const path[FOLDERS])
{
    unsigned made = 0;
    for (unsigned i = 0; i < FOLDERS; i++)
        made |= (unsigned)(mkdir(path[i], 0700) == 0) << i;
    return made;
}

/* Who only asks leaves nothing: a data directory of root's would stop the service of somebody else. */
static void remove_folders(const char *const path[FOLDERS], unsigned made)
{
    for (unsigned i = FOLDERS; i-- > 0;)
        if (made >> i & 1)
            (void)rmdir(path[i]);
}

int probe_command(const char *config_path, const char *decoder)
{
    struct settings settings;
    struct confine_config confine = {0};
    const struct process_program program = {.path = decoder};
    struct why why = {0};
    char audio[4096];
    int code = load_settings(config_path, &settings);
    if (code != EXIT_DONE)
        goto out;
    snprintf(audio, sizeof audio, "%s/audio", settings.data_dir);
    settings.confine = true; /* what it would be */
    int err = confine_configure(&settings, &program, settings.data_dir, audio, &confine);
    if (err == 0)
        err = confine_check(&confine, &why);
    if (err) {
        code = complain(EXIT_FAILED, &why);
        goto out;
    }
    const char *const folders[FOLDERS] = {settings.data_dir, confine.read_dir, confine.write_dir};
    unsigned made = make_folders(folders);
    const struct process_config config = {
        .program = &confine.program,
        .walls = {.read_dir = confine.read_dir, .write_dir = confine.write_dir, .memory_bytes = confine.memory_bytes},
    };
    for (unsigned i = 0; i < PROBES && why.text[0] == '\0'; i++)
        if (!check(&config, settings.data_dir, i, &why))
            code = EXIT_FAILED;
    remove_folders(folders, made);
    if (why.text[0])
        complain(EXIT_FAILED, &why);
out:
    confine_config_free(&confine);
    settings_free(&settings);
    return code;
}
