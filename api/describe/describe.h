/* Makes of api/openapi.yaml, while the program is built, what else it is served as. */
#pragma once

#include <stdio.h>

#include "api/describe/yaml.h"

void describe_json(FILE *out, const struct yaml *root);
void describe_page(FILE *out, const struct yaml *root);
