/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionary_files.c - the dictionaries that are installed: each entry decides about every text given as its example
 *
 * An example is a comment "#: TEXT" below its entry. It is classified as a mail log's reply, by a host of the entry's
 * provider; an entry that an earlier one keeps from ever deciding is found by that.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/report/classify.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "feedback/dictionary"
#define PROVIDERS_MAX 128

static struct {
    char name[64], host[256];
} providers[PROVIDERS_MAX];
static size_t providers_n;

/* for_each_line - take(file, number, line) for each line of each dictionary */
static size_t for_each_line(void (*take)(const char *file, unsigned number, const char *line, void *context),
                            void *context)
{
    char path[512], line[4096];
    size_t files = 0;
    DIR *dir = opendir(FOLDER);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strstr(e->d_name, ".dict") == NULL)
            continue;
        snprintf(path, sizeof path, FOLDER "/%s", e->d_name);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        for (unsigned number = 1; fgets(line, sizeof line, f) != NULL; number++) {
            line[strcspn(line, "\n")] = '\0';
            take(e->d_name, number, line, context);
        }
        fclose(f);
        files++;
    }
    closedir(dir);
    return files;
}

static void take_provider(const char *file, unsigned number, const char *line, void *context)
{
    (void)file, (void)number, (void)context;
    if (strncmp(line, "provider ", 9) != 0)
        return;
    assert_in_range(providers_n, 0, PROVIDERS_MAX - 1);
    assert_int_equal(sscanf(line, "provider %63[^:]: %255s", providers[providers_n].name, providers[providers_n].host),
                     2);
    providers_n++;
}

static const char *host_of(const char *line)
{
    static char first[64];
    if (line[0] == '*')
        return "mx.example.net";
    first[0] = '\0';
    sscanf(line, "%63[^ |]", first);
    for (size_t i = 0; i < providers_n; i++)
        if (strcmp(providers[i].name, first) == 0)
            return providers[i].host;
    return first;
}

struct examples {
    const struct gp_dictionary *d;
    char file[64], entry[80], host[256];
    unsigned examples; /* of this entry */
    unsigned entries, all, wrong;
};

static void end_of_entry(struct examples *x)
{
    if (x->entry[0] != '\0' && x->examples == 0) {
        print_error("%s has no example\n", x->entry);
        x->wrong++;
    }
    x->entry[0] = '\0';
    x->examples = 0;
}

static void take_example(const char *file, unsigned number, const char *line, void *context)
{
    struct examples *x = context;
    if (strncmp(line, "#: ", 3) != 0) {
        if (line[0] == '#' || line[0] == '\0' || strncmp(line, "provider ", 9) == 0)
            return;
        end_of_entry(x);
        snprintf(x->entry, sizeof x->entry, "%.60s:%u", file, number);
        snprintf(x->host, sizeof x->host, "%s", host_of(line));
        x->entries++;
        return;
    }
    struct gp_said said = {.text = gp_str_z(line + 3), .provider = gp_str_z(x->host), .final = true};
    struct gp_meaning m = gp_classify_said(x->d, &said);
    x->examples++;
    x->all++;
    if (strcmp(m.by, x->entry) != 0) {
        print_error("%s:%u is for %s, but %s decides: %.100s\n", file, number, x->entry, m.by, line);
        x->wrong++;
    }
}

static void every_entry_decides(void **state)
{
    (void)state;
    struct gp_faults faults;
    struct examples x = {0};
    gp_faults_init(&faults);
    struct gp_dictionary *d = gp_dictionary_load(&(const char *){FOLDER}, 1, &faults);
    for (size_t i = 0; i < faults.n; i++)
        print_error("%s\n", faults.list[i].text);
    assert_int_equal(faults.n, 0);
    assert_non_null(d);
    x.d = d;
    for_each_line(take_provider, NULL);
    assert_in_range(for_each_line(take_example, &x), 5, 100);
    end_of_entry(&x);
    print_message("%u entries, %u examples\n", x.entries, x.all);
    assert_int_equal(x.wrong, 0);
    gp_dictionary_free(d);
    gp_faults_free(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
