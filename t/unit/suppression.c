/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppression.c - the ladder in virtual days: by tables, and by random events against a simpler reckoning
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/suppression.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS UINT64_C(86400000)
#define START 20000 /* day 0 of the scripts */

static uint64_t at_day(unsigned day)
{
    return (START + day) * DAY_MS;
}

/* What the database keeps of one address and agency, and what feedback does with it. */
struct memory {
    struct gp_failure failures[4096];
    size_t n;
    bool suppressed;
    struct gp_suppression row;
};

static void note(struct memory *m, uint32_t day, enum gp_category c)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->failures[i].day == day && m->failures[i].category == c)
            return;
    }
    assert_true(m->n < sizeof m->failures / sizeof m->failures[0]);
    m->failures[m->n++] = (struct gp_failure){day, c};
}

static enum gp_suppression_change event(struct memory *m, const struct gp_suppression_rules *rules, enum gp_category c,
                                        uint64_t now_ms)
{
    struct gp_suppression next;
    if (c == GP_CATEGORY_DELIVERED)
        m->n = 0;
    else
        note(m, (uint32_t)(now_ms / DAY_MS), c);
    enum gp_suppression_change change =
        gp_suppression_judge(rules, m->suppressed ? &m->row : NULL, c, m->failures, m->n, now_ms, &next);
    if (change == GP_SUPPRESSION_SET)
        m->row = next;
    if (change != GP_SUPPRESSION_KEEP)
        m->suppressed = change == GP_SUPPRESSION_SET;
    return change;
}

static enum gp_category category_of(char letter)
{
    enum gp_category c;
    assert_true(gp_category_of_letter((struct gp_str){&letter, 1}, &c));
    return c;
}

/* "0H 7H": day and category's letter; "3xS2" is S on days 3, 5, 7... until the next event's day, "10xS1*5" five of them
 */
static void play(struct memory *m, const struct gp_suppression_rules *rules, const char *script)
{
    struct gp_str rest = gp_str_z(script), word;
    while (gp_str_split(&rest, ' ', &word)) {
        unsigned day = 0, every = 0, times = 1;
        char letter = '\0', text[32];
        snprintf(text, sizeof text, "%.*s", GP_STR_FMT(word));
        if (sscanf(text, "%ux%c%u*%u", &day, &letter, &every, &times) != 4 && sscanf(text, "%u%c", &day, &letter) != 2)
            fail_msg("script: %s", text);
        for (unsigned i = 0; i < times; i++)
            event(m, rules, category_of(letter), at_day(day + i * every));
    }
}

static const char *state_of(const struct memory *m, char out[64])
{
    struct gp_buf b = gp_buf_on(out, 64);
    if (!m->suppressed) {
        gp_buf_putz(&b, "free");
    } else {
        gp_buf_printf(&b, "%s step %u since %u ", gp_suppression_reason_name(m->row.reason), m->row.step,
                      (unsigned)(m->row.since_ms / DAY_MS - START));
        if (m->row.retest_ms == 0)
            gp_buf_putz(&b, "for good");
        else
            gp_buf_printf(&b, "retest %u", (unsigned)(m->row.retest_ms / DAY_MS - START));
    }
    return out;
}

static void test_ladders(void **state)
{
    static const struct {
        const char *name, *script, *want;
    } cases[] = {
        {"one hard bounce", "0H", "hard-bounce step 0 since 0 retest 7"},
        {"late reports of older mail change nothing", "0H 1H 6H", "hard-bounce step 0 since 0 retest 7"},
        {"first retest bounces", "0H 7H", "hard-bounce step 1 since 0 retest 21"},
        {"an interval begins at the bounce, not when it was due", "0H 10H", "hard-bounce step 1 since 0 retest 24"},
        {"second", "0H 7H 21H", "hard-bounce step 2 since 0 retest 49"},
        {"third", "0H 7H 21H 49H", "hard-bounce step 3 since 0 retest 105"},
        {"the fourth is the last", "0H 7H 21H 49H 105H", "hard-bounce step 4 since 0 for good"},
        {"for good is for good", "0H 7H 21H 49H 105H 400H 900S", "hard-bounce step 4 since 0 for good"},
        {"success clears", "0H 7D", "free"},
        {"success clears even what is for good", "0H 7H 21H 49H 105H 400D", "free"},
        {"the ladder begins anew after a success", "0H 7H 21D 30H", "hard-bounce step 0 since 30 retest 37"},
        {"a soft bounce of the retest: the same interval again", "0H 7H 21S", "hard-bounce step 1 since 0 retest 35"},
        {"a soft bounce before the retest", "0H 3S", "hard-bounce step 0 since 0 retest 7"},
        {"policy, rate, content at the retest change nothing", "0H 7P 7R 7C 8A 9N",
         "hard-bounce step 0 since 0 retest 7"},

        {"policy, rate and content never suppress", "0xP1*60 0xR1*60 0xC1*60", "free"},
        {"auto-replies and receipts never suppress", "0xA1*60 0xN1*60", "free"},

        {"soft: 5 days within 14", "0xS3*5", "free"}, /* 0 3 6 9 12 */
        {"soft: 5 days spanning 14", "0S 4S 8S 12S 14S", "soft-bounce step 0 since 14 retest 28"},
        {"soft: 4 days spanning 40", "0S 10S 20S 40S", "free"},
        {"soft: many on the same day are one", "0S 0S 0S 0S 14S 14S", "free"},
        {"soft: a success between", "0S 4S 8D 9S 12S 14S 20S", "free"},
        {"soft: after a success counted anew", "0S 4S 8D 9S 12S 14S 20S 23S", "soft-bounce step 0 since 23 retest 37"},
        {"soft: outside of the window", "0S 16S 32S 48S 60S", "free"}, /* 60 days before 60 is day 1 */
        {"soft: at the window's edge", "0S 16S 32S 48S 59S", "soft-bounce step 0 since 59 retest 73"},
        {"soft: its retest bounces", "0S 4S 8S 12S 14S 28S", "soft-bounce step 1 since 14 retest 56"},
        {"soft: never for good", "0S 4S 8S 12S 14S 28S 56S 112S 168S 224S", "soft-bounce step 5 since 14 retest 280"},
        {"soft: late ones change nothing", "0S 4S 8S 12S 14S 20S 27S", "soft-bounce step 0 since 14 retest 28"},
        {"soft, then gone", "0S 4S 8S 12S 14S 20H", "hard-bounce step 0 since 14 retest 27"},
        {"soft: success clears", "0S 4S 8S 12S 14S 15D", "free"},

        {"full: spanning 14 is too short", "0M 4M 8M 12M 14M", "free"},
        {"full: spanning 30", "0M 8M 16M 24M 30M", "soft-bounce step 0 since 30 retest 44"},
        {"full and soft: the longer span", "0M 4S 8S 12S 14S", "free"},
        {"full and soft: spanning 30", "0M 4S 8S 12S 30M", "soft-bounce step 0 since 30 retest 44"},
        {"full and soft on one day are one day", "0S 0M 15M 15S 30M", "free"},
        {"full does not hinder soft", "0S 4S 5M 8S 12S 14S", "soft-bounce step 0 since 14 retest 28"},

        {"unknown: 5 days are half of it", "0U 4U 8U 12U 14U", "free"},
        {"unknown: 10 days", "0xU2*10", "soft-bounce step 0 since 18 retest 32"},
        {"unknown: 9 days", "0xU2*9", "free"},
        {"unknown and soft", "0S 2U 4S 6U 10S 14S", "soft-bounce step 0 since 14 retest 28"},
        {"unknown and soft on one day: the weightier counts", "0S 0U 4S 4U 8S 8U 14S 14U", "free"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct memory m = {.n = 0};
        char got[64];
        play(&m, &gp_suppression_defaults, cases[i].script);
        if (strcmp(state_of(&m, got), cases[i].want) != 0)
            fail_msg("%s: %s, not %s", cases[i].name, got, cases[i].want);
    }
}

static void test_cautious(void **state)
{
    static const struct {
        const char *name, *script, *want;
    } cases[] = {
        {"the first", "0H", "free"},
        {"another one the same day", "0H 0H", "free"},
        {"on another day", "0H 3H", "hard-bounce step 0 since 3 retest 10"},
        {"too long after", "0H 60H", "free"},
        {"success between", "0H 1D 3H", "free"},
        {"a soft suppression's retest", "0S 4S 8S 12S 14S 28H", "soft-bounce step 1 since 14 retest 56"},
    };
    struct gp_suppression_rules rules = gp_suppression_defaults;
    (void)state;
    rules.hard_count = 2;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct memory m = {.n = 0};
        char got[64];
        play(&m, &rules, cases[i].script);
        if (strcmp(state_of(&m, got), cases[i].want) != 0)
            fail_msg("%s: %s, not %s", cases[i].name, got, cases[i].want);
    }
}

static void test_at_once(void **state)
{
    struct gp_suppression next, now = {.reason = GP_SUPPRESSED_COMPLAINT};
    const struct gp_suppression_rules *r = &gp_suppression_defaults;
    (void)state;
    assert_int_equal(gp_suppression_judge(r, NULL, GP_CATEGORY_COMPLAINT, NULL, 0, 5, &next), GP_SUPPRESSION_SET);
    assert_int_equal(next.reason, GP_SUPPRESSED_COMPLAINT);
    assert_int_equal(next.since_ms, 5);
    assert_int_equal(next.retest_ms, 0);
    assert_int_equal(gp_suppression_judge(r, &now, GP_CATEGORY_COMPLAINT, NULL, 0, 9, &next), GP_SUPPRESSION_KEEP);
    assert_int_equal(gp_suppression_judge(r, NULL, GP_CATEGORY_UNSUBSCRIBE, NULL, 0, 5, &next), GP_SUPPRESSION_SET);
    assert_int_equal(next.reason, GP_SUPPRESSED_UNSUBSCRIBE);
    assert_false(gp_suppression_due(&next, UINT64_MAX));
    for (int reason = GP_SUPPRESSED_COMPLAINT; reason <= GP_SUPPRESSED_MANUAL; reason++) {
        now.reason = (enum gp_suppression_reason)reason; /* a success is no reason to mail who does not want it */
        assert_int_equal(gp_suppression_judge(r, &now, GP_CATEGORY_DELIVERED, NULL, 0, 9, &next), GP_SUPPRESSION_KEEP);
    }
}

static void test_retest_time(void **state)
{
    struct gp_suppression s = {.retest_ms = 1000};
    (void)state;
    assert_false(gp_suppression_due(&s, 999));
    assert_true(gp_suppression_due(&s, 1000));
    s.retest_ms = 0;
    assert_false(gp_suppression_due(&s, UINT64_MAX));
    assert_false(gp_suppression_ended(&s, UINT64_MAX));
    s.until_ms = 1000;
    assert_false(gp_suppression_ended(&s, 999));
    assert_true(gp_suppression_ended(&s, 1000));
}

static void test_scopes(void **state)
{
    static const struct {
        const char *scope, *stream;
        bool holds;
    } cases[] = {
        {"*", "", true},
        {"*", "news", true},
        {"*", "transactional", true},
        {"bulk", "", true},
        {"bulk", "news", true},
        {"bulk", "transactional", false},
        {"news", "", true},
        {"news", "news", true},
        {"news", "offers", false},
        {"news", "transactional", false},
        {"news", "News", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (gp_suppression_holds(gp_str_z(cases[i].scope), gp_str_z(cases[i].stream)) != cases[i].holds)
            fail_msg("scope \"%s\", stream \"%s\"", cases[i].scope, cases[i].stream);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < GP_SUPPRESSION_REASONS; i++) {
        enum gp_suppression_reason r;
        assert_true(
            gp_suppression_reason_parse(gp_str_z(gp_suppression_reason_name((enum gp_suppression_reason)i)), &r));
        assert_int_equal(r, i);
    }
    enum gp_suppression_reason r;
    assert_false(gp_suppression_reason_parse(GP_STR("Manual"), &r));
    assert_true(gp_stream_valid(GP_STR("a-Z_09")));
    assert_true(gp_stream_valid(GP_STR("abcdefghijklmnopqrstuvwxyz012345")));
    assert_false(gp_stream_valid(GP_STR("abcdefghijklmnopqrstuvwxyz0123456")));
    assert_false(gp_stream_valid(GP_STR("")));
    assert_false(gp_stream_valid(GP_STR("*")));
    assert_false(gp_stream_valid(GP_STR("a b")));
    for (int i = 0; i < GP_CATEGORY_COUNT; i++) {
        char letter = gp_category_letter((enum gp_category)i);
        assert_int_equal(category_of(letter), i);
    }
}

/* --- random events ----------------------------------------------------------------------------------------------- */

#define DAYS 1500

/* The same rules, reckoned by days in tables, without looking at the code's own memory. */
struct oracle {
    bool seen[DAYS][GP_CATEGORY_COUNT];
    char row;                     /* 'H', 'S', or 0 */
    unsigned step, since, retest; /* retest 0: for good */
};

static bool soft_enough(const struct oracle *o, unsigned today, bool full, unsigned span)
{
    double days = 0;
    unsigned first = 0;
    bool any = false;
    for (unsigned d = today >= 59 ? today - 59 : 0; d <= today; d++) {
        bool whole = o->seen[d][GP_CATEGORY_SOFT] || (full && o->seen[d][GP_CATEGORY_MAILBOX_FULL]);
        double worth = whole ? 1.0 : o->seen[d][GP_CATEGORY_UNKNOWN] ? 0.5 : 0.0;
        if (worth > 0 && !any) {
            first = d;
            any = true;
        }
        days += worth;
        if (d == today && worth > 0 && days >= 5.0 && today - first >= span)
            return true;
    }
    return false;
}

static void oracle_event(struct oracle *o, enum gp_category c, unsigned today)
{
    static const unsigned hard[] = {7, 14, 28, 56}, soft[] = {14, 28, 56};
    bool is_soft = c == GP_CATEGORY_SOFT || c == GP_CATEGORY_MAILBOX_FULL || c == GP_CATEGORY_UNKNOWN;
    if (c == GP_CATEGORY_DELIVERED) {
        memset(o->seen, 0, sizeof o->seen);
        o->row = 0;
        return;
    }
    o->seen[today][c] = true;
    bool due = o->row != 0 && o->retest != 0 && today >= o->retest;
    if (c == GP_CATEGORY_HARD && o->row != 'H') {
        o->since = o->row == 'S' ? o->since : today;
        o->row = 'H';
        o->step = 0;
        o->retest = today + hard[0];
    } else if (c == GP_CATEGORY_HARD && due) {
        o->step++;
        o->retest = o->step < 4 ? today + hard[o->step] : 0;
    } else if (is_soft && o->row == 'H' && due) {
        o->retest = today + hard[o->step];
    } else if (is_soft && o->row == 'S' && due) {
        o->step++;
        o->retest = today + soft[o->step < 2 ? o->step : 2];
    } else if (is_soft && o->row == 0 && (soft_enough(o, today, false, 14) || soft_enough(o, today, true, 30))) {
        o->row = 'S';
        o->step = 0;
        o->since = today;
        o->retest = today + soft[0];
    }
}

static const char *oracle_state(const struct oracle *o, char out[64])
{
    struct gp_buf b = gp_buf_on(out, 64);
    if (o->row == 0)
        gp_buf_putz(&b, "free");
    else
        gp_buf_printf(&b, "%s step %u since %u ", o->row == 'H' ? "hard-bounce" : "soft-bounce", o->step, o->since);
    if (o->row != 0 && o->retest == 0)
        gp_buf_putz(&b, "for good");
    else if (o->row != 0)
        gp_buf_printf(&b, "retest %u", o->retest);
    return out;
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void test_random_events(void **state)
{
    /* how often each comes, out of 100; the rest are categories that never matter */
    static const struct {
        unsigned hard, soft, full, unknown, delivered, gap;
    } worlds[] = {{2, 30, 20, 20, 1, 4}, {30, 10, 5, 5, 5, 20}, {0, 40, 40, 10, 2, 6},
                  {5, 5, 5, 60, 1, 3},   {1, 90, 0, 0, 9, 9},   {10, 20, 20, 20, 0, 30}};
    static struct oracle o;
    static struct memory m;
    (void)state;
    for (uint32_t run = 0; run < 300; run++) {
        uint32_t seed = run;
        const size_t w = run % (sizeof worlds / sizeof worlds[0]);
        memset(&o, 0, sizeof o);
        memset(&m, 0, sizeof m);
        for (unsigned day = 0; day < DAYS; day += next_random(&seed) % worlds[w].gap) {
            unsigned dice = next_random(&seed) % 100, edge = worlds[w].hard;
            enum gp_category c = GP_CATEGORY_POLICY;
            char got[64], want[64];
            if (dice < edge)
                c = GP_CATEGORY_HARD;
            else if (dice < (edge += worlds[w].soft))
                c = GP_CATEGORY_SOFT;
            else if (dice < (edge += worlds[w].full))
                c = GP_CATEGORY_MAILBOX_FULL;
            else if (dice < (edge += worlds[w].unknown))
                c = GP_CATEGORY_UNKNOWN;
            else if (dice < edge + worlds[w].delivered)
                c = GP_CATEGORY_DELIVERED;
            event(&m, &gp_suppression_defaults, c, at_day(day));
            oracle_event(&o, c, day);
            if (strcmp(state_of(&m, got), oracle_state(&o, want)) != 0)
                fail_msg("run %" PRIu32 ", day %u, %s: %s, not %s", run, day, gp_category_name(c), got, want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ladders),       cmocka_unit_test(test_cautious), cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_retest_time),   cmocka_unit_test(test_scopes),   cmocka_unit_test(test_names),
        cmocka_unit_test(test_random_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
