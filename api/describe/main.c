/* earshot-describe openapi.yaml openapi.json docs.html: reads the first, writes the others. */
#include <stdio.h>
#include <stdlib.h>

#include "api/describe/describe.h"

static void make(const char *path, void (*write)(FILE *, const struct yaml *), const struct yaml *root)
{
    FILE *out = fopen(path, "wb");
    if (out == NULL) {
        perror(path);
        exit(1);
    }
    write(out, root);
    if (fclose(out) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("earshot-describe OPENAPI.YAML OPENAPI.JSON DOCS.HTML\n", stderr);
        return 2;
    }
    const struct yaml *root = yaml_read(argv[1]);
    make(argv[2], describe_json, root);
    make(argv[3], describe_page, root);
    return 0;
}
