/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * main.c - manual_text TEMPLATE OUTPUT: a manual page or sample from its template
 *
 * A template is the file as it will be, but for lines "@part", in whose place comes what parts.h makes from the tables.
 * Its first line, which names the licence, is followed by one that says where the file comes from.
 */
#include "shared/manual/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    void (*write)(FILE *out, enum gp_scope scope);
    enum gp_scope scope;
} parts[] = {
    {"settings of gatepost.conf", gp_part_settings, GP_SCOPE_TOP},
    {"settings of a mailbox", gp_part_settings, GP_SCOPE_MAILBOX},
    {"settings of an agency", gp_part_settings, GP_SCOPE_AGENCY},
    {"settings of a DKIM key", gp_part_settings, GP_SCOPE_DKIM},
    {"settings of a test", gp_part_settings, GP_SCOPE_TEST},
    {"limits", gp_part_limits, GP_SCOPE_TOP},
    {"sample of gatepost.conf", gp_part_sample, GP_SCOPE_TOP},
    {"sample of an agency", gp_part_sample, GP_SCOPE_AGENCY},
    {"replies", gp_part_replies, GP_SCOPE_TOP},
};

/* put_part - false when there is none of this name */
static bool put_part(FILE *out, const char *name)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strcmp(parts[i].name, name) == 0) {
            parts[i].write(out, parts[i].scope);
            return true;
        }
    }
    return false;
}

/* fill - the template with its parts; false (told) when it names one that is not there */
static bool fill(FILE *in, FILE *out, const char *template)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    bool good = true;
    for (unsigned number = 1; good && (n = getline(&line, &size, in)) > 0; number++) {
        if (line[0] == '@') {
            line[strcspn(line, "\n")] = '\0';
            good = put_part(out, line + 1);
            if (!good)
                fprintf(stderr, "%s:%u: no part is called \"%s\"\n", template, number, line + 1);
            continue;
        }
        fputs(line, out);
        if (number == 1)
            fprintf(out, "%s Made by \"ninja -C build manuals\" from shared/manual and the tables of shared; change those.\n",
                    line[0] == '.' ? ".\\\"" : "#");
    }
    free(line);
    return good;
}

int main(int argc, char **argv)
{
    int status = EXIT_FAILURE;
    FILE *in = NULL, *file = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: manual_text TEMPLATE OUTPUT\n");
        return 2;
    }
    in = fopen(argv[1], "r");
    file = in != NULL ? fopen(argv[2], "w") : NULL;
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", in == NULL ? argv[1] : argv[2], strerror(errno));
        goto out;
    }
    if (fill(in, file, argv[1]))
        status = EXIT_SUCCESS;
out:
    if (in != NULL)
        fclose(in);
    if (file != NULL && fclose(file) != 0) {
        fprintf(stderr, "%s: %s\n", argv[2], strerror(errno));
        status = EXIT_FAILURE;
    }
    return status;
}
