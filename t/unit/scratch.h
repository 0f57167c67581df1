/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * scratch.h - a folder of its own with a configuration in it, for tests of what reads files
 */
#ifndef GP_T_UNIT_SCRATCH_H
#define GP_T_UNIT_SCRATCH_H

#include "shared/str.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
    char folder[64]; /* absolute, without a slash at its end */
};

/* scratch_path - "<folder>/<name>" */
static inline void scratch_path(const struct scratch *s, const char *name, char out[512])
{
    snprintf(out, 512, "%s/%s", s->folder, name);
}

/* scratch_write - "$D" in text becomes the folder */
static inline bool scratch_write(const struct scratch *s, const char *name, struct gp_str text)
{
    char path[512];
    scratch_path(s, name, path);
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '$' && i + 1 < text.n && text.p[i + 1] == 'D') {
            fputs(s->folder, f);
            i++;
        } else {
            fputc(text.p[i], f);
        }
    }
    return fclose(f) == 0;
}

/* scratch_secret - a file that nobody else may read */
static inline bool scratch_secret(const struct scratch *s, const char *name, struct gp_str text)
{
    char path[512];
    scratch_path(s, name, path);
    return scratch_write(s, name, text) && chmod(path, 0600) == 0;
}

/* The relay's DKIM key, as gatepost.conf must name one; it is that of RFC 8463 A.2. */
#define SCRATCH_DKIM "dkim = ( { domain = \"relay.gov\" selector = \"gp1\" key = \"$D/relay.pem\" } )"
#define SCRATCH_PEM                                                                                                    \
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                  \
    "-----END PRIVATE KEY-----\n"

/* scratch_open - a new folder with agencies.d, a key ring at "token" and the relay's DKIM key at "relay.pem" */
static inline bool scratch_open(struct scratch *s)
{
    char path[512];
    snprintf(s->folder, sizeof s->folder, "/tmp/gatepost-unit-XXXXXX");
    if (mkdtemp(s->folder) == NULL)
        return false;
    scratch_path(s, "agencies.d", path);
    if (mkdir(path, 0755) != 0)
        return false;
    return scratch_secret(s, "token",
                          GP_STR("1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n")) &&
           scratch_secret(s, "relay.pem", GP_STR(SCRATCH_PEM));
}

/* scratch_empty - remove what stands in a folder below (or "."), folders excepted */
static inline void scratch_empty(const struct scratch *s, const char *name)
{
    char path[512], file[1024];
    scratch_path(s, name, path);
    DIR *d = opendir(path);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.' || strlen(e->d_name) > 2)
            unlink(file);
    }
    if (d != NULL)
        closedir(d);
}

static inline void scratch_close(const struct scratch *s)
{
    char path[512];
    scratch_empty(s, "agencies.d");
    scratch_path(s, "agencies.d", path);
    rmdir(path);
    scratch_empty(s, ".");
    rmdir(s->folder);
}

#endif
