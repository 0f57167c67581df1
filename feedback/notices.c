/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * notices.c - what an agency or the operator is told: one text for each occasion
 */
#include "feedback/notices.h"

#include "shared/address.h"
#include "shared/config.h"
#include "shared/notice.h"
#include "shared/usage.h"

#include <inttypes.h>
#include <time.h>

#define QUOTED_MAX 400 /* octets of a foreign text in a notice */
#define LINE_MAX_OCTETS 72
#define NAME_MAX_OCTETS 100
#define BODY_MAX 4096

/* One notice as it is written. */
struct draft {
    const char *kind;
    char agency[GP_AGENCY_NAME_MAX + 1], key[GP_DOMAIN_MAX + 1], subject_text[200], body_text[BODY_MAX];
    struct gp_buf subject, body;
};

static void draft_begin(struct draft *d, const char *kind, struct gp_str agency, struct gp_str key)
{
    d->kind = kind;
    struct gp_buf name = gp_buf_on(d->agency, sizeof d->agency), about = gp_buf_on(d->key, sizeof d->key);
    gp_buf_put(&name, agency);
    gp_buf_put(&about, key);
    d->subject = gp_buf_on(d->subject_text, sizeof d->subject_text);
    d->body = gp_buf_on(d->body_text, sizeof d->body_text);
}

static bool draft_add(struct gp_store *s, const struct draft *d, uint64_t now_ms)
{
    const struct gp_notice n = {.agency = d->agency,
                                .kind = d->kind,
                                .key = d->key,
                                .day = gp_usage_day(now_ms),
                                .created_ms = now_ms,
                                .subject = d->subject_text,
                                .body = d->body_text};
    bool added;
    return gp_notice_add(s, &n, &added);
}

/* Foreign text as ASCII without line breaks, in lines of its own. */
static void put_quoted(struct gp_buf *body, struct gp_str text)
{
    char clean[QUOTED_MAX];
    struct gp_buf b = gp_buf_on(clean, sizeof clean);
    gp_buf_put_escaped(&b, text);
    for (size_t i = 0; i < b.n; i += LINE_MAX_OCTETS) {
        size_t n = b.n - i < LINE_MAX_OCTETS ? b.n - i : LINE_MAX_OCTETS;
        gp_buf_printf(body, "    %.*s\n", (int)n, clean + i);
    }
}

/* A provider's name, which may be a domain that anybody chose. */
static const char *name_of(struct gp_str provider, char out[NAME_MAX_OCTETS])
{
    struct gp_buf b = gp_buf_on(out, NAME_MAX_OCTETS);
    gp_buf_put_escaped(&b, provider);
    return out;
}

static const char *time_of(uint64_t ms, char out[32])
{
    struct tm tm = {0};
    time_t t = (time_t)(ms / 1000);
    gmtime_r(&t, &tm);
    if (strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
        out[0] = '\0';
    return out;
}

/* Thousandths of a percent would be noise: "0.31", "12.5". */
static void put_percent(struct gp_buf *b, uint64_t part, uint64_t whole)
{
    gp_buf_printf(b, "%.2f %%", whole == 0 ? 0.0 : (double)part * 100.0 / (double)whole);
}

bool gp_notice_provider_fault(struct gp_store *s, struct gp_str provider, struct gp_str diagnostic, uint64_t alike,
                              uint64_t results, uint64_t released, uint64_t now_ms)
{
    struct draft d;
    char name[NAME_MAX_OCTETS];
    name_of(provider, name);
    draft_begin(&d, "provider-fault", (struct gp_str){NULL, 0}, provider);
    gp_buf_printf(&d.subject, "%s: many hard bounces that say the same", name);
    gp_buf_printf(&d.body,
                  "Within ten minutes %" PRIu64 " of %" PRIu64 " results at\n    %s\n"
                  "were hard bounces with this one text:\n",
                  alike, results, name);
    put_quoted(&d.body, diagnostic);
    gp_buf_printf(&d.body,
                  "So many at once are more likely a fault over there than addresses that\n"
                  "do not exist. Nothing is suppressed for this text until it has been\n"
                  "rare for an hour, and %" PRIu64 " addresses that it suppressed were released.\n"
                  "If the addresses are really gone, add them with\n"
                  "gatepostctl suppress import.\n",
                  released);
    return draft_add(s, &d, now_ms);
}

bool gp_notice_invalid(struct gp_store *s, struct gp_str agency, uint64_t invalid, uint64_t results, uint64_t now_ms)
{
    struct draft d;
    draft_begin(&d, "invalid-addresses", agency, (struct gp_str){NULL, 0});
    gp_buf_printf(&d.subject, "%.*s: ", GP_STR_FMT(agency));
    put_percent(&d.subject, invalid, results);
    gp_buf_putz(&d.subject, " of the addresses do not exist");
    gp_buf_printf(&d.body,
                  "In the last 24 hours %" PRIu64 " of %" PRIu64 " messages were refused because\n"
                  "the address does not exist or takes no mail any more.\n"
                  "Providers judge a sender by this share; above 10 %% they slow the relay\n"
                  "down or block it. Those addresses get no more mail from here. Please\n"
                  "take them out of your lists as well:\n"
                  "    gatepostctl suppress export --agency %.*s --since 1d\n",
                  invalid, results, GP_STR_FMT(agency));
    return draft_add(s, &d, now_ms);
}

bool gp_notice_complaints(struct gp_store *s, struct gp_str agency, struct gp_str provider, uint64_t complaints,
                          uint64_t delivered, bool severe, uint64_t now_ms)
{
    struct draft d;
    char name[NAME_MAX_OCTETS];
    const char *where = provider.n > 0 ? name_of(provider, name) : "all providers together";
    draft_begin(&d, severe ? "complaints-severe" : "complaints", agency, provider);
    gp_buf_printf(&d.subject, "%.*s: ", GP_STR_FMT(agency));
    put_percent(&d.subject, complaints, delivered);
    gp_buf_printf(&d.subject, " of the recipients complain (%s)", where);
    gp_buf_printf(&d.body,
                  "In the last 24 hours there were %" PRIu64 " complaints about %" PRIu64 " messages\n"
                  "delivered (%s).\n",
                  complaints, delivered, where);
    gp_buf_putz(&d.body, severe ? "This is 0.3 % or more: providers now treat the mail as spam. Please stop\n"
                                  "bulk mail until the cause is found.\n"
                                : "This is 0.1 % or more: providers begin to treat such mail as spam.\n");
    gp_buf_putz(&d.body, "Who complained gets no more bulk mail from here.\n");
    return draft_add(s, &d, now_ms);
}

bool gp_notice_delay(struct gp_store *s, struct gp_str agency, struct gp_str provider, uint64_t deferred,
                     uint64_t delivered, uint64_t since_ms, uint64_t now_ms)
{
    struct draft d;
    char name[NAME_MAX_OCTETS], since[32];
    name_of(provider, name);
    draft_begin(&d, "delay", agency, provider);
    gp_buf_printf(&d.subject, "%.*s: mail to %s is delayed", GP_STR_FMT(agency), name);
    gp_buf_printf(&d.body,
                  "Your mail to\n    %s\nis delayed since %s: in the last hour or so\n"
                  "%" PRIu64 " attempts were put off and %" PRIu64 " messages delivered.\n"
                  "Nothing is lost: the relay keeps trying. Nothing needs to be sent again.\n"
                  "You will be told when it moves again.\n",
                  name, time_of(since_ms, since), deferred, delivered);
    return draft_add(s, &d, now_ms);
}

bool gp_notice_delay_over(struct gp_store *s, struct gp_str agency, struct gp_str provider, uint64_t since_ms,
                          uint64_t now_ms)
{
    struct draft d;
    char name[NAME_MAX_OCTETS], since[32];
    name_of(provider, name);
    draft_begin(&d, "delay-over", agency, provider);
    gp_buf_printf(&d.subject, "%.*s: mail to %s is delivered again", GP_STR_FMT(agency), name);
    gp_buf_printf(&d.body, "Your mail to\n    %s\nwas delayed since %s and is delivered again.\n", name,
                  time_of(since_ms, since));
    return draft_add(s, &d, now_ms);
}

bool gp_notice_quarantine(struct gp_store *s, const char *id, const char *why, uint64_t now_ms)
{
    struct draft d;
    draft_begin(&d, "quarantine", GP_STR(""), GP_STR(""));
    gp_buf_printf(&d.subject, "returned mail in quarantine: %s", why);
    gp_buf_printf(&d.body,
                  "A message that came back was kept and not acted on: %s.\n"
                  "To see it: gatepostctl archive get %s\n"
                  "There may be more of today: gatepostctl archive list\n",
                  why, id);
    return draft_add(s, &d, now_ms);
}
