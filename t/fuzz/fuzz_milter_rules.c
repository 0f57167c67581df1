/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_milter_rules.c - foreign lines as MAIL and RCPT arguments, judged at every stage
 *
 * Input: lines; the first is MAIL's path, the second RCPT's, the others are ESMTP parameters. What is accepted must
 * hold what the rules promise.
 */
#include "milter/from.h"
#include "milter/rules.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define LINES_MAX 16

static bool started;

static char domain[] = "dol.gov";
static char *domains[] = {domain};
static char return_path[] = "b.example.gov";
static const struct gp_agency dol = {.name = "dol", .sender_domains = {1, domains}, .check_from = true};
static const struct gp_config config = {.return_path = return_path,
                                        .keyring = {.have = {[1] = true}, .secret = {[1] = {1, 2, 3}}, .signer = 1}};
static const struct gp_limits limits = {
    .recipients_per_message = 1, .message_size = 1000, .messages_per_session = 2, .session_time_s = 60};

/* As libmilter gives them: NUL-terminated strings, the list ends with NULL. */
static size_t split(char *text, char *argv[LINES_MAX + 1])
{
    size_t lines = 0;
    for (char *line = text; line != NULL && lines < LINES_MAX; lines++) {
        char *end = strchr(line, '\n');
        argv[lines] = line;
        if (end != NULL)
            *end++ = '\0';
        line = end;
    }
    argv[lines] = NULL;
    return lines;
}

static void check_mail(const struct gp_milter_facts *f)
{
    struct gp_str address = gp_facts_address(f);
    if (f->malformed || address.n > GP_ADDRESS_MAX)
        abort();
    if (address.n > 0 && !gp_facts_returning(f) && !gp_str_eq_nocase(f->mailbox.domain, GP_STR("dol.gov")))
        abort();
    uint64_t size;
    if (f->sized && !gp_str_u64(f->size, limits.message_size, &size))
        abort();
}

static void judge(char *const *argv, size_t lines)
{
    struct gp_headers headers;
    const char *rule;
    gp_headers_init(&headers);
    gp_headers_note(&headers, GP_STR("From"), gp_str_z(argv[0]));
    struct gp_milter_facts f = {
        .config = &config, .agency = &dol, .limits = &limits, .today = 20000, .headers = &headers};
    gp_facts_parameters(&f, argv + (lines > 2 ? 2 : lines));
    gp_facts_path(&f, gp_str_z(argv[0]));
    if (gp_milter_judge(GP_AT_MAIL, &f, &rule) == GP_ACCEPTED)
        check_mail(&f);
    f.sender = gp_facts_address(&f);
    f.re_enveloped = gp_facts_returning(&f);
    gp_facts_path(&f, gp_str_z(lines > 1 ? argv[1] : ""));
    if (gp_milter_judge(GP_AT_RCPT, &f, &rule) == GP_ACCEPTED &&
        (gp_facts_address(&f).n == 0 || gp_facts_address(&f).n > GP_ADDRESS_MAX))
        abort();
    (void)gp_milter_judge(GP_AT_END, &f, &rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *argv[LINES_MAX + 1];
    char *text = malloc(n + 1);
    if (text == NULL)
        return 0;
    if (!started)
        gp_from_start();
    started = true;
    memcpy(text, data, n);
    text[n] = '\0';
    judge(argv, split(text, argv));
    free(text);
    return 0;
}
