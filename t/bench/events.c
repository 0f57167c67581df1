/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * events.c - how many events a second feedback can act on, kind by kind
 *
 * bench_events FILE [N]: N (200000) events of each kind, 500 in a transaction, into FILE, which is made. Not a test:
 * run it by hand (ninja bench_events).
 */
#include "feedback/act.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define BATCH 500
#define NOW UINT64_C(1790000000000)

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool run(struct gp_store *s, struct gp_act *act, const struct gp_config *c, struct gp_event e, const char *what,
                uint64_t n)
{
    static const char *const providers[] = {"google", "outlook", "yahoo", "example.net"};
    double begin = now_s();
    for (uint64_t i = 0; i < n; i++) {
        char recipient[40], token[40];
        snprintf(recipient, sizeof recipient, "u%" PRIu64 "@example.com", i * 7919 % n);
        snprintf(token, sizeof token, "%s%" PRIu64, what, i);
        e.recipient = gp_str_z(recipient);
        e.token = gp_str_z(token);
        e.provider = gp_str_z(providers[i % 4]);
        if ((i % BATCH == 0 && !gp_store_begin(s)) || !gp_act_event(act, c, &e, NOW + i * 100) ||
            ((i % BATCH == BATCH - 1 || i == n - 1) && !gp_store_commit(s)))
            return false;
    }
    printf("%-20s %8.0f a second\n", what, (double)n / (now_s() - begin));
    return true;
}

int main(int argc, char **argv)
{
    struct gp_config c = {.suppression = gp_suppression_defaults};
    const struct gp_event line = {.source = GP_SOURCE_LOG,
                                  .proven = true,
                                  .final = true,
                                  .suppress = true,
                                  .agency = GP_STR("dol"),
                                  .status = GP_STR("5.1.1"),
                                  .diagnostic =
                                      GP_STR("host mx[192.0.2.1] said: 550 5.1.1 <u@example.com> unknown user"),
                                  .evidence = GP_STR("4XyZ12345678")};
    struct gp_event e = line;
    uint64_t n = 200000;
    char why[256];
    if (argc < 2 || argc > 3 || (argc > 2 && !gp_str_u64(gp_str_z(argv[2]), 1000000000, &n)) || n == 0) {
        fputs("usage: bench_events FILE [N]\n", stderr);
        return 2;
    }
    struct gp_store *s = gp_store_open(argv[1], why);
    struct gp_act *act = s != NULL ? gp_act_new(s) : NULL;
    e.category = GP_CATEGORY_HARD;
    bool good = act != NULL && run(s, act, &c, e, "hard bounces", n);
    e.category = GP_CATEGORY_DELIVERED;
    good = good && run(s, act, &c, e, "deliveries", n) && run(s, act, &c, e, "deliveries again", n);
    e.category = GP_CATEGORY_RATE;
    e.final = false;
    good = good && run(s, act, &c, e, "deferrals", n);
    e.proven = false;
    good = good && run(s, act, &c, e, "forged reports", n);
    if (!good)
        fprintf(stderr, "%s\n", s == NULL ? why : gp_store_error(s));
    gp_act_free(act);
    gp_store_close(s);
    return good ? 0 : 1;
}
