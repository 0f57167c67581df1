/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppression.c - how long a look-up at RCPT takes among millions of suppressed addresses, and what they take
 *
 * bench_suppression FILE [ROWS [THREADS]]: fills FILE with ROWS (10 million) addresses in random order, as they come in
 * over the years, unless it holds as many already; then looks up random ones, half of them present, from THREADS (1)
 * threads, and prints the times. Not a test: run it by hand (ninja bench_suppression).
 */
#include "shared/clock.h"
#include "shared/store_sqlite.h"
#include "shared/suppression_reader.h"
#include "shared/suppression_store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ROWS_DEFAULT 10000000
#define LOOKS 200000 /* of each thread */
#define BATCH 200000
#define NOW UINT64_C(1790000000000)

/* A permutation of 64 bits (splitmix64): number n's address, the same in each run, in no order. */
static uint64_t mix(uint64_t n)
{
    n += UINT64_C(0x9E3779B97F4A7C15);
    n = (n ^ (n >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    n = (n ^ (n >> 27)) * UINT64_C(0x94D049BB133111EB);
    return n ^ (n >> 31);
}

/* About as long as addresses are: 27 octets. */
static void address_of(uint64_t n, char out[64])
{
    static const char *const domains[] = {"example.com", "mail.example.org", "agency.example.gov", "example.net"};
    uint64_t r = mix(n);
    snprintf(out, 64, "%c%012" PRIx64 "@%s", (char)('a' + r % 26), r >> 16, domains[r % 4]);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t count_rows(struct gp_store *s)
{
    sqlite3_stmt *st = gp_store_statement(s, "SELECT count(*) FROM suppression");
    bool good = true;
    uint64_t n = gp_store_next(s, st, &good) ? gp_column_u64(st, 0) : 0;
    gp_store_enough(st);
    return n;
}

static bool fill(struct gp_store *s, uint64_t rows)
{
    struct gp_suppression row = {.reason = GP_SUPPRESSED_HARD, .scope = "*", .agency = "dol"};
    bool good =
        sqlite3_exec(s->db, "PRAGMA synchronous = OFF; PRAGMA cache_size = -1500000", NULL, NULL, NULL) == SQLITE_OK;
    snprintf(row.why, sizeof row.why, "550 5.1.1 The email account that you tried to reach does not exist.");
    snprintf(row.evidence, sizeof row.evidence, "4XyZ12345678");
    for (uint64_t i = 0; i < rows && good; i++) {
        if (i % BATCH == 0)
            good = (i == 0 || gp_store_commit(s)) && gp_store_begin(s);
        char address[64];
        address_of(i, address);
        snprintf(row.address, sizeof row.address, "%s", address);
        row.since_ms = NOW - i % 1000000;
        row.retest_ms = NOW + 1 + i % 1000000000;
        good = good && gp_suppression_put(s, &row, NOW);
        if (i % 1000000 == 0)
            fprintf(stderr, "%" PRIu64 " rows\n", i);
    }
    return good && gp_store_commit(s);
}

struct looker {
    pthread_t thread;
    struct gp_suppression_reader *reader;
    uint64_t rows, seed, wrong;
    uint32_t ns[LOOKS];
};

static void *look(void *arg)
{
    struct looker *l = arg;
    for (size_t i = 0; i < LOOKS; i++) {
        struct gp_suppression row;
        char address[64], why[128];
        bool present = i % 2 == 0;
        address_of(mix(l->seed + i) % l->rows + (present ? 0 : UINT64_C(1) << 40), address);
        const struct gp_suppression_question q = {gp_str_z(address), GP_STR("dol"), GP_STR(""), GP_SUPPRESSION_WHOLE,
                                                  NOW};
        uint64_t begin = now_ns();
        enum gp_suppression_answer answer = gp_suppression_look(l->reader, &q, &row, why);
        l->ns[i] = (uint32_t)(now_ns() - begin);
        l->wrong += answer != (present ? GP_SUPPRESSION_HOLDS : GP_SUPPRESSION_NONE);
    }
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* VmRSS and what of it is private, in MiB. */
static void print_memory(void)
{
    char line[128];
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "VmRSS", 5) == 0 || strncmp(line, "RssAnon", 7) == 0)
            fputs(line, stdout);
    }
    if (f != NULL)
        fclose(f);
}

static void measure(const char *what, const char *path, uint64_t rows, size_t threads)
{
    struct looker *l = calloc(threads, sizeof *l);
    uint32_t *all = malloc(threads * LOOKS * sizeof *all);
    struct gp_suppression_reader *reader = gp_suppression_reader_new(path);
    uint64_t wrong = 0, begin = now_ns();
    if (l == NULL || all == NULL || reader == NULL)
        abort();
    for (size_t i = 0; i < threads; i++) {
        l[i].reader = reader;
        l[i].rows = rows;
        l[i].seed = 1000 * i;
        if (pthread_create(&l[i].thread, NULL, look, &l[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(l[i].thread, NULL);
        memcpy(all + i * LOOKS, l[i].ns, sizeof l[i].ns);
        wrong += l[i].wrong;
    }
    double seconds = (double)(now_ns() - begin) / 1e9;
    size_t n = threads * LOOKS;
    qsort(all, n, sizeof *all, by_value);
    printf("%s: %zu look-ups, %zu threads, %" PRIu64
           " wrong: median %.1f us, 99 %% %.1f us, 99.9 %% %.1f us, worst %.1f us;"
           " %.0f a second\n",
           what, n, threads, wrong, all[n / 2] / 1e3, all[n * 99 / 100] / 1e3, all[n * 999 / 1000] / 1e3,
           all[n - 1] / 1e3, (double)n / seconds);
    print_memory();
    gp_suppression_reader_free(reader);
    free(all);
    free(l);
}

int main(int argc, char **argv)
{
    uint64_t rows = ROWS_DEFAULT, threads = 1, begin = now_ns();
    char why[256];
    struct stat st;
    if (argc < 2 || argc > 4 || (argc > 2 && !gp_str_u64(gp_str_z(argv[2]), UINT64_C(1) << 32, &rows)) ||
        (argc > 3 && !gp_str_u64(gp_str_z(argv[3]), 256, &threads)) || rows == 0 || threads == 0) {
        fputs("usage: bench_suppression FILE [ROWS [THREADS]]\n", stderr);
        return 2;
    }
    struct gp_store *s = gp_store_open(argv[1], why);
    if (s == NULL || (count_rows(s) != rows && !fill(s, rows))) {
        fprintf(stderr, "%s\n", s == NULL ? why : gp_store_error(s));
        return 1;
    }
    gp_store_close(s);
    if (stat(argv[1], &st) == 0)
        printf("%" PRIu64 " rows: %.0f MiB, %.0f octets a row; ready after %.0f s\n", rows,
               (double)st.st_size / 1048576, (double)st.st_size / (double)rows, (double)(now_ns() - begin) / 1e9);
    measure("first", argv[1], rows, (size_t)threads);
    measure("again", argv[1], rows, (size_t)threads);
    return 0;
}
