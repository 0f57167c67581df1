/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rules.h - what a session and a message must be, one table of rules by stage (pure; any thread)
 *
 * A rule is a function of the facts alone. The caller gathers the facts and carries the verdict out.
 */
#ifndef GP_MILTER_RULES_H
#define GP_MILTER_RULES_H

#include "milter/headers.h"
#include "shared/address.h"
#include "shared/config.h"
#include "shared/spf.h"
#include "shared/verdict.h"

/* Stages of a session, as bits: one rule may hold at several. */
enum gp_milter_stage {
    GP_AT_HELO = 1 << 0,
    GP_AT_MAIL = 1 << 1,
    GP_AT_RCPT = 1 << 2,
    GP_AT_DATA = 1 << 3,
    GP_AT_END = 1 << 4 /* end of data: the whole message was seen */
};

/* gp_milter_stage_name - "HELO", "MAIL", "RCPT", "DATA", "END-OF-MESSAGE" */
const char *gp_milter_stage_name(enum gp_milter_stage stage);

/* Who may use a listener; named by {daemon_name}. */
enum gp_profile {
    GP_PROFILE_ADDRESS, /* "gatepost-address", and any other name: the allowlist decides */
    GP_PROFILE_LOGIN,   /* "gatepost-login": any address, login required */
    GP_PROFILE_BOTH,    /* "gatepost-both": address and login of the same agency */
    GP_PROFILE_RETURN,  /* "gatepost-return": mail that comes back; only `reconfiguring` applies */
    GP_PROFILE_OWN      /* "gatepost-own": Gatepost's own mail; only `reconfiguring` applies, and it is signed */
};
enum gp_profile gp_profile_of(struct gp_str daemon_name);

/* All that a rule may look at. Each field is set from the stage named on; views live as long as the call. */
struct gp_milter_facts {
    /* HELO */
    const struct gp_config *config; /* of the session's epoch */
    const struct gp_agency *agency; /* NULL: nobody we know (yet: of the login's listener from MAIL on) */
    enum gp_profile profile;
    bool drained;            /* the session's epoch must end */
    enum gp_reason standing; /* what taking the session gave; GP_ACCEPTED for a session that needs none */
    /* MAIL */
    bool logged_in;                 /* the session has a login */
    const struct gp_agency *login;  /* that lists it; NULL: none does */
    bool ended;                     /* the agency acts in a test window whose time is not now */
    const struct gp_limits *limits; /* those that hold for this message; not NULL when agency is not */
    uint64_t age_ms;                /* of the session */
    uint32_t accepted;              /* messages accepted in it */
    uint32_t today;                 /* days since 1970 */
    bool utf8;                      /* SMTPUTF8 was declared */
    bool sized;                     /* SIZE= was declared */
    struct gp_str size;             /* as written */
    /* MAIL: the sender; RCPT: the recipient */
    bool malformed; /* no path of RFC 5321; then mailbox is empty */
    struct gp_mailbox mailbox;
    /* MAIL */
    enum gp_spf_result spf; /* forecast for the sender's domain; GP_SPF_UNKNOWN while there is none */
    /* RCPT */
    struct gp_str sender; /* accepted at MAIL, without <>; empty: null sender */
    bool re_enveloped;    /* it is a return path of ours */
    uint32_t recipients;  /* accepted so far */
    /* END */
    uint64_t octets; /* headers and body with CRLF */
    const struct gp_headers *headers;
};

/* gp_facts_path - read the argument of MAIL FROM or RCPT TO into malformed and mailbox; utf8 must be set before */
void gp_facts_path(struct gp_milter_facts *f, struct gp_str path);

/* gp_facts_parameters - read the ESMTP parameters of MAIL (NULL-terminated list) into utf8, sized and size */
void gp_facts_parameters(struct gp_milter_facts *f, char *const *argv);

/* gp_facts_address - the mailbox as one view "local@domain", or "postmaster"; empty for null and malformed ones */
struct gp_str gp_facts_address(const struct gp_milter_facts *f);

/* gp_facts_returning - does the mailbox stand at return_path, so that only a token of ours can be meant? */
bool gp_facts_returning(const struct gp_milter_facts *f);

/* gp_milter_judge - the first refusal of this stage, or GP_ACCEPTED
 * *rule is the name of the rule that refused ("sender", "from-header"...), NULL when none did.
 */
enum gp_reason gp_milter_judge(enum gp_milter_stage stage, const struct gp_milter_facts *f, const char **rule);

#endif
