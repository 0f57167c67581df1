/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_milter.c - a mail server that sends any event in any order: libmilter's part is played here, all behind it is
 * the milter's own
 *
 * Input: events, a letter and its text up to a NUL each. What is answered is what Postfix takes, a message is edited at
 * its end only and with clean lines, one that is accepted kept every limit, and nothing is left of a session.
 */
#include "milter/callbacks.h"
#include "milter/session.h"
#include "milter/suppressed.h"
#include "shared/clock.h"
#include "shared/daemon.h"
#include "shared/suppression_store.h"
#include "t/fuzz/checked_log.h"
#include "t/unit/scratch.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define PARAMETERS_MAX 16
#define SIZE_MOST 2048 /* of agency a */
#define RATE_MOST 2    /* the same */

static void must(bool promise)
{
    if (!promise)
        abort();
}

/* --- libmilter ---------------------------------------------------------------------------------------------------- */

static struct smfiDesc callbacks;

/* One connection of the mail server. */
struct smfi_str {
    void *private;
    char daemon[64], login[64], queue_id[64];
    bool at_end, from_changed;
    char code[4]; /* of the reply that was set; "": none */
    unsigned sources;  /* X-Gatepost-Source headers added */
    unsigned accepted; /* messages of agency a */
};

int smfi_register(struct smfiDesc filter)
{
    callbacks = filter;
    return MI_SUCCESS;
}

void *smfi_getpriv(SMFICTX *c)
{
    return c->private;
}

int smfi_setpriv(SMFICTX *c, void *p)
{
    c->private = p;
    return MI_SUCCESS;
}

int smfi_setsymlist(SMFICTX *c, int where, char *macros)
{
    (void)c, (void)where;
    must(macros[0] != '\0');
    return MI_SUCCESS;
}

char *smfi_getsymval(SMFICTX *c, char *name)
{
    char *value = strcmp(name, "i") == 0               ? c->queue_id
                  : strcmp(name, "{daemon_name}") == 0 ? c->daemon
                  : strcmp(name, "{auth_authen}") == 0 ? c->login
                                                       : NULL;
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* What libmilter takes: no line end, every % doubled. */
int smfi_setreply(SMFICTX *c, char *code, char *enhanced, char *text)
{
    must(strlen(code) == 3 && (code[0] == '4' || code[0] == '5') && enhanced[0] == code[0] && strlen(text) < 980);
    must(gp_str_utf8(gp_str_z(text)));
    for (const char *p = text; *p != '\0'; p++) {
        must((unsigned char)*p >= ' ' && *p != 0x7f);
        must(*p != '%' || *++p == '%');
    }
    memcpy(c->code, code, sizeof c->code);
    return MI_SUCCESS;
}

/* folds that RFC 5322 allows, no line over 998 */
static void check_value(const char *name, struct gp_str value)
{
    struct gp_str line;
    size_t before = strlen(name) + 1;
    must(value.n > 1 && value.p[0] == ' ');
    for (bool first = true; gp_str_split(&value, '\n', &line); first = false, before = 0) {
        must(before + line.n <= 998 && line.n > 1 && (first || line.p[0] == '\t' || line.p[0] == ' '));
        for (size_t i = first ? 0 : 1; i < line.n; i++)
            must(line.p[i] >= ' ' && line.p[i] < 0x7f);
    }
}

int smfi_addheader(SMFICTX *c, char *name, char *value)
{
    must(c->at_end);
    check_value(name, gp_str_z(value));
    c->sources += strcmp(name, "X-Gatepost-Source") == 0;
    return MI_SUCCESS;
}

int smfi_insheader(SMFICTX *c, int at, char *name, char *value)
{
    must(c->at_end && at == 0 && strcmp(name, "DKIM-Signature") == 0);
    check_value(name, gp_str_z(value));
    return MI_SUCCESS;
}

int smfi_chgheader(SMFICTX *c, char *name, int at, char *value)
{
    must(c->at_end && name[0] != '\0' && at >= 1 && value == NULL);
    return MI_SUCCESS;
}

int smfi_chgfrom(SMFICTX *c, char *sender, char *arguments)
{
    must(c->at_end && !c->from_changed && sender[0] != '\0' && strpbrk(sender, "<> \r\n") == NULL);
    must(arguments == NULL || strpbrk(arguments, "\r\n") == NULL);
    c->from_changed = true;
    return MI_SUCCESS;
}

/* --- what the daemon has made before its first session ------------------------------------------------------------ */

static struct scratch scratch;
static struct gp_signer *signer;
static struct gp_forecasts *forecasts;
static struct gp_suppressor *suppressor;

static const char top[] = "relay_name = \"relay.example.gov\"\nreturn_path = \"b.example.gov\"\ncounters = []\n"
                          "public_url = \"https://mail.example.gov\"\negress = [ \"192.0.2.1\" ]\nlog = \"syslog\"\n"
                          "database = \"$D/db\"\ntoken_keys = \"$D/token\"\n"
                          "dkim = ( { domain = \"relay.example.gov\" selector = \"r\" key = \"$D/relay.pem\" } )\n";
static const char agencies[] =
    "a = { production = [ \"192.0.2.10\", \"2001:db8::10\" ] sender_domains = [ \"a.gov\", \".a.gov\" ] spf = \"tag\"\n"
    "  check_from = \"yes\" unsubscribe = \"append\" logins = [ \"a-app\" ]\n"
    "  dkim = ( { domain = \"a.gov\" selector = \"a\" key = \"$D/relay.pem\" } )\n"
    "  limits = { message_size = \"2K\" rate = \"2/1h\" auto_replies = \"1/1h\" } }\n"
    "b = { logins = [ \"b-app\" ] sender_domains = [ \"b.gov\" ] streams = [ \"newsletter\", \"transactional\" ]\n"
    "  on_unsigned = \"send\" client_signatures = \"remove\" unsubscribe = \"replace\" spf = \"reject\" }\n";

static void clean(void)
{
    scratch_close(&scratch);
}

/* "gone@example.org" for all mail, "list@example.org" for what is not transactional */
static bool suppress(const char *database)
{
    char why[256];
    struct gp_store *store = gp_store_open(database, why);
    struct gp_suppression row = {.address = "gone@example.org",
                                 .scope = GP_SCOPE_ALL,
                                 .reason = GP_SUPPRESSED_MANUAL,
                                 .since_ms = 1,
                                 .why = "100% \"gone\""};
    bool good = store != NULL && gp_suppression_put(store, &row, 1);
    row = (struct gp_suppression){
        .address = "list@example.org", .scope = GP_SCOPE_BULK, .reason = GP_SUPPRESSED_UNSUBSCRIBE, .since_ms = 1};
    good = good && gp_suppression_put(store, &row, 1);
    gp_store_close(store);
    return good;
}

static void foretell(const struct gp_config *c)
{
    char domain[GP_DOMAIN_MAX + 1];
    uint64_t now_ms = gp_clock_monotonic_ms(), next_ms;
    struct gp_forecast before, after, fail = gp_forecast_unknown();
    fail.spf = GP_SPF_SOFTFAIL;
    fail.ttl_s = GP_FORECAST_TTL_MOST_S;
    memcpy(fail.egress, "192.0.2.1", sizeof "192.0.2.1");
    gp_forecasts_follow(forecasts, c, now_ms);
    while (gp_forecasts_due(forecasts, now_ms, domain, &next_ms))
        gp_forecasts_learn(forecasts, gp_str_z(domain), &fail, now_ms, &before, &after);
}

static void prepare(void)
{
    char path[512];
    checked_log_open();
    gp_from_start();
    must(scratch_open(&scratch) && scratch_write(&scratch, "gatepost.conf", gp_str_z(top)) &&
         scratch_write(&scratch, "agencies.d/ab.conf", gp_str_z(agencies)));
    atexit(clean);
    scratch_path(&scratch, "gatepost.conf", path);
    struct gp_config *c = gp_daemon_load(path);
    must(c != NULL && suppress(c->database));
    gp_epoch_swap(c, gp_clock_monotonic_ms());
    signer = gp_signer_new((struct gp_signer_options){0});
    forecasts = gp_forecasts_new();
    suppressor = gp_suppressor_new(c->database, NULL, "gp");
    must(signer != NULL && forecasts != NULL && suppressor != NULL);
    foretell(c);
}

/* --- the mail server ---------------------------------------------------------------------------------------------- */

static void copy(char out[64], const char *text)
{
    struct gp_buf b = gp_buf_on(out, 64);
    gp_buf_putz(&b, text);
}

static sfsistat connect_from(SMFICTX *c, char *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr *peer = NULL;
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        peer = (struct sockaddr *)&v4;
    else if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1)
        peer = (struct sockaddr *)&v6;
    return callbacks.xxfi_connect(c, address, peer);
}

/* libmilter gives what MAIL and RCPT said as a list that ends with NULL. */
static sfsistat envelope(SMFICTX *c, sfsistat (*event)(SMFICTX *, char **), char *text)
{
    char *argv[PARAMETERS_MAX + 1];
    size_t n = 0;
    for (char *line = text; line != NULL && n < PARAMETERS_MAX;) {
        argv[n++] = line;
        line = strchr(line, '\n');
        if (line != NULL)
            *line++ = '\0';
    }
    argv[n] = NULL;
    return event(c, argv);
}

static sfsistat header(SMFICTX *c, char *text)
{
    char *colon = strchr(text, ':'), none[] = "";
    if (colon != NULL)
        *colon++ = '\0';
    return callbacks.xxfi_header(c, text, colon != NULL ? colon : none);
}

static sfsistat negotiate(SMFICTX *c, const char *text)
{
    unsigned long actions = (unsigned char)text[0], steps = actions == 0 ? 0 : (unsigned long)text[1] << 16, used[4];
    sfsistat status = callbacks.xxfi_negotiate(c, actions, steps, 0, 0, &used[0], &used[1], &used[2], &used[3]);
    must(status == SMFIS_REJECT || (status == SMFIS_CONTINUE && (used[0] & ~actions) == 0));
    return SMFIS_CONTINUE;
}

/* Of an agency's message that is accepted at its end. */
static void check_accepted(const SMFICTX *c, const struct gp_message *was, const char *agency)
{
    struct gp_str sender = gp_str_z(was->sender);
    must(was->open && was->recipients == 1 && was->recipient[0] != '\0' && c->sources == 1);
    must(c->from_changed == (sender.n > 0 && !was->re_enveloped));
    must(strcasecmp(was->recipient, "gone@example.org") != 0);
    must(sender.n == 0 || was->re_enveloped || gp_str_find(sender, '@') < sender.n);
    if (agency[0] == 'a')
        must(was->octets <= SIZE_MOST && c->accepted <= RATE_MOST);
}

static sfsistat end(SMFICTX *c)
{
    const struct gp_session *s = c->private;
    static struct gp_message was;
    const char *agency = s != NULL && s->agency != NULL && s->profile != GP_PROFILE_OWN ? s->agency->name : NULL;
    if (s != NULL)
        was = s->message;
    c->at_end = true;
    c->from_changed = false;
    c->sources = 0;
    sfsistat status = callbacks.xxfi_eom(c);
    c->at_end = false;
    must(status != SMFIS_CONTINUE);
    if (status == SMFIS_ACCEPT && agency != NULL) {
        c->accepted += agency[0] == 'a';
        check_accepted(c, &was, agency);
    }
    return status;
}

/* One event; text is n octets and a NUL. */
static sfsistat play(SMFICTX *c, char event, char *text, size_t n)
{
    unsigned char *octets = (unsigned char *)text;
    switch (event) {
    case 'd':
        copy(c->daemon, text);
        break;
    case 'l':
        copy(c->login, text);
        break;
    case 'q':
        copy(c->queue_id, text);
        break;
    case 'N':
        return negotiate(c, text);
    case 'C':
        return connect_from(c, text);
    case 'H':
        return callbacks.xxfi_helo(c, text);
    case 'M':
        return envelope(c, callbacks.xxfi_envfrom, text);
    case 'R':
        return envelope(c, callbacks.xxfi_envrcpt, text);
    case 'D':
        return callbacks.xxfi_data(c);
    case 'h':
        return header(c, text);
    case 'e':
        return callbacks.xxfi_eoh(c);
    case 'b':
        return callbacks.xxfi_body(c, octets, n);
    case 'z':
        return callbacks.xxfi_body(c, octets, n + 1);
    case 'E':
        return end(c);
    case 'A':
        return callbacks.xxfi_abort(c);
    case 'c':
        return callbacks.xxfi_close(c);
    case 'U':
        return callbacks.xxfi_unknown(c, text);
    default:
        break;
    }
    return SMFIS_CONTINUE;
}

static void check_status(const SMFICTX *c, char event, sfsistat status)
{
    bool streams = event == 'h' || event == 'e' || event == 'b' || event == 'z';
    must(streams == (status == SMFIS_NOREPLY));
    must((status == SMFIS_TEMPFAIL) == (c->code[0] == '4') && (status == SMFIS_REJECT) == (c->code[0] == '5'));
    must(status != SMFIS_ACCEPT || event == 'E' || event == 'M');
    if (event == 'H' || event == 'C') /* anything else, and Postfix forgets the session */
        must(status == SMFIS_CONTINUE || strcmp(c->code, "421") == 0);
    if (event == 'A' || event == 'c')
        must(status == SMFIS_CONTINUE);
}

static void converse(SMFICTX *c, struct gp_str input)
{
    struct gp_str part;
    while (input.n > 0 && gp_str_split(&input, '\0', &part)) {
        if (part.n == 0)
            continue;
        char *text = malloc(part.n); /* of its own, so that reading beyond it is seen */
        must(text != NULL);
        memcpy(text, part.p + 1, part.n - 1);
        text[part.n - 1] = '\0';
        c->code[0] = '\0';
        check_status(c, part.p[0], play(c, part.p[0], text, part.n - 1));
        free(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    SMFICTX c = {.private = NULL};
    if (scratch.folder[0] == '\0')
        prepare();
    struct gp_ledger *ledger = gp_ledger_new(NULL, "gp", 1, 2);
    struct gp_auto_replies *auto_replies = gp_auto_replies_new(NULL, "gp");
    must(ledger != NULL && auto_replies != NULL);
    must(gp_callbacks_register(&(struct gp_services){ledger, signer, forecasts, suppressor, auto_replies}));
    converse(&c, (struct gp_str){(const char *)data, n});
    callbacks.xxfi_close(&c);
    must(c.private == NULL && gp_session_count() == 0 && gp_ledger_sessions(ledger) == 0);
    gp_auto_replies_free(auto_replies);
    gp_ledger_free(ledger);
    return 0;
}
