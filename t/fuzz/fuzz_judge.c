/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_judge.c - a message that came back, from its octets to what becomes of it: nobody is proven but the one
 * recipient whose token the envelope bears, whatever the message says
 *
 * The first octet says to which address it came.
 */
#include <stdlib.h>
#include <string.h>

#include "feedback/judge.h"
#include "shared/config_private.h"

#define TODAY 20783
#define VICTIM "jane@example.com"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char relay_name[] = "relay.example.gov", return_path[] = "b.example.gov", operator_to[] = "chief@hq.example.gov",
            notices[] = "inet:127.0.0.1:10026";

static void must(bool promise)
{
    if (!promise)
        abort();
}

/* One agency, and a key that no input knows. */
static const struct gp_config *config(void)
{
    static struct gp_agency agency = {.name = "dol", .contact = operator_to};
    static struct gp_config_index index;
    static struct gp_config c = {.relay_name = relay_name,
                                 .return_path = return_path,
                                 .operator_to = operator_to,
                                 .notices = notices,
                                 .agency = &agency,
                                 .agencies_n = 1,
                                 .index = &index};
    if (!c.keyring.have[3]) {
        c.keyring.have[3] = true;
        c.keyring.signer = 3;
        memset(c.keyring.secret[3], 0x5a, GP_KEY_OCTETS);
        must(gp_config_index_build(&c));
    }
    return &c;
}

/* An address that mail may come to: genuine tokens of the victim's, and others. */
static struct gp_str address(const struct gp_config *c, unsigned which, char out[80])
{
    static const char *const others[] = {"postmaster@b.example.gov", "", "x@elsewhere.example",
                                         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@b.example.gov"};
    const uint8_t id[3] = {1, 2, 3};
    char local[GP_TOKEN_SHORT + 1];
    struct gp_buf b = gp_buf_on(out, 80);
    if (which % 8 >= 4)
        return gp_str_z(others[which % 4]);
    must(gp_token_sign(&c->keyring, (enum gp_token_type)(which % 4), TODAY, GP_STR("dol"), GP_STR(VICTIM), id,
                       gp_str_z(return_path), local));
    gp_buf_printf(&b, "%s@%s", local, return_path);
    return gp_buf_str(&b);
}

static void check_head(const struct gp_mail_head *h, struct gp_str raw)
{
    must(h->to_n <= GP_MAIL_HEAD_TO_MAX);
    for (size_t i = 0; i < h->to_n; i++) {
        must(h->to[i].p >= raw.p && h->to[i].p + h->to[i].n <= raw.p + raw.n);
        must(h->to[i].n > 0 && h->to[i].n <= GP_MAIL_HEAD_ADDRESS_MAX && gp_str_find(h->to[i], '@') < h->to[i].n);
    }
    must(h->return_path.n == 0 ||
         (h->has_return_path && h->return_path.p >= raw.p && h->return_path.p + h->return_path.n <= raw.p + raw.n));
}

static void check_judged(const struct gp_judged *j, const struct gp_who *who, bool ours)
{
    must(j->events_n <= GP_REPORT_RECIPIENTS_MAX && j->outcome < GP_OUTCOME_COUNT);
    must((j->outcome == GP_OUTCOME_FORWARDED) == (j->forward_to != NULL));
    size_t proven = 0;
    for (size_t i = 0; i < j->events_n; i++) {
        if (!j->event[i].proven)
            continue;
        proven++;
        must(ours && who->proof == GP_PROOF_VALID);
        must(gp_str_eq(j->event[i].recipient, GP_STR(VICTIM)));
    }
    must(proven <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct gp_judged judged;
    const struct gp_config *c = config();
    char room[80];
    if (n == 0)
        return 0;
    struct gp_str raw = {(const char *)data + 1, n - 1}, to = address(c, data[0], room);
    struct gp_report *r = gp_report_read(raw);
    must(r != NULL);
    struct gp_mail_head head;
    struct gp_who who;
    gp_mail_head_read(raw, gp_str_z(return_path), &head);
    check_head(&head, raw);
    gp_identify(c, r, (data[0] & 0x10) != 0 ? GP_STR("") : GP_STR(VICTIM), to, TODAY, &who);
    const struct gp_mail mail = {c, r, &who, &head, GP_STR("x@y.test"), GP_STR("id"), UINT64_C(86400000) * TODAY};
    gp_judge(&mail, &judged);
    check_judged(&judged, &who, data[0] % 8 < 4);
    gp_report_free(r);
    return 0;
}
