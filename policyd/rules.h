/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rules.h - who may send, and how much: the table of admission rules (pure; any thread)
 *
 * A listener's profile is a row of rules for each stage, asked in order; the first that has an opinion decides. Adding
 * a rule is adding it to a row. Each rule names the items of the store that it reads; what a stage asks the store for
 * is their union and nothing else.
 */
#ifndef GP_POLICYD_RULES_H
#define GP_POLICYD_RULES_H

#include "policyd/request.h"
#include "shared/config.h"
#include "shared/counters.h"
#include "shared/store.h"
#include "shared/verdict.h"

/* Items of the store that a rule may want to see. A set of them is a mask of GP_WANT bits. */
enum gp_want {
    GP_WANT_SESSIONS,
    GP_WANT_USAGE,
    GP_WANT_LIMIT_SESSIONS,
    GP_WANT_LIMIT_RATE,
    GP_WANT_LIMIT_PACKAGE,
    GP_WANT_BLOCK_AGENCY,
    GP_WANT_BLOCK_ADDRESS,
    GP_WANT_BAN_ADDRESS,
    GP_WANT_PAUSE_AGENCY,
    GP_WANT_COUNT
};
#define GP_WANT(w) (1U << (w))
#define GP_WANTS_OF_ADDRESS                                                                                            \
    (GP_WANT(GP_WANT_BLOCK_ADDRESS) | GP_WANT(GP_WANT_BAN_ADDRESS)) /* the rest are an agency's */

/* Who is the agency of a request. */
enum gp_acting {
    GP_BY_NOTHING, /* nobody is: the rules look at the address alone, or at nothing of the client */
    GP_BY_ADDRESS, /* the one that the client's address admits */
    GP_BY_LOGIN    /* the one that lists the login */
};

enum gp_decision {
    GP_NEUTRAL, /* no opinion: Postfix's next restriction decides */
    GP_PERMIT,
    GP_REFUSE /* with the verdict */
};

/* All that a rule can know. */
struct gp_facts {
    const struct gp_config *config;
    const struct gp_request *request;
    const struct gp_agency *agency;            /* for whom the client sends, see gp_rules_acting; NULL: a stranger */
    const struct gp_agency *login;             /* that lists the login; NULL: none does, or there is no login */
    bool banned_here;                          /* this process has banned the address for itself */
    char client[GP_IP_TEXT];                   /* the client's address in canonical form; "" when it has none */
    const struct gp_blocks *blocks;            /* permanent ones */
    const struct gp_item *item[GP_WANT_COUNT]; /* NULL: not asked for */
    uint64_t now_ms;                           /* wall clock */
};

struct gp_ruling {
    enum gp_decision decision;
    struct gp_verdict verdict; /* GP_ACCEPTED unless decision is GP_REFUSE */
    const char *rule;          /* name of the rule that decided; NULL: none did, the profile's default holds */
    bool lost;                 /* a rule could not be judged: the store did not answer */
};

struct gp_profile;

/* gp_profile_find - the profile of this name; gatepost-address for any other */
const struct gp_profile *gp_profile_find(struct gp_str name);
const char *gp_profile_name(const struct gp_profile *p);

/* gp_rules_acting - who is facts->agency for the rules of this profile at this stage */
enum gp_acting gp_rules_acting(const struct gp_profile *p, enum gp_stage stage);

/* gp_rules_want - the items that the rules of this profile read at this stage */
unsigned gp_rules_want(const struct gp_profile *p, enum gp_stage stage);

/* gp_rules_judge - the decision on facts->request
 * A rule whose items were not asked for is passed over. A rule whose items are unknown is passed over too, or ends it
 * with GP_INTERNAL when on_counter_loss is closed; the ruling says so in lost. An item that cannot be decoded counts as
 * absent: the milter writes it anew with the next message.
 */
struct gp_ruling gp_rules_judge(const struct gp_profile *p, const struct gp_facts *facts);

#endif
