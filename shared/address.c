/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * address.c - mailbox addresses as they stand in SMTP commands (pure)
 *
 * The grammar is that of RFC 5321 and RFC 6531 and nothing of RFC 5322: no comments, no folding, no obsolete forms.
 */
#include "shared/address.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#define LOCAL_MAX 64
#define LABEL_MAX 63
#define PATH_MAX_OCTETS 256
#define DNS_NAME_MAX 253

static bool is_alnum(char c)
{
    return gp_is_digit(c) || gp_is_letter(c);
}

static bool is_high(char c)
{
    return (unsigned char)c > 127;
}

static struct gp_str from(struct gp_str s, size_t at)
{
    return (struct gp_str){s.p + at, s.n - at};
}

static bool any_high(struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_high(s.p[i]))
            return true;
    }
    return false;
}

/* check_high - are the octets above 127 allowed, well-formed, and no control characters (U+0080 to U+009F)? */
static const char *check_high(struct gp_str s, bool utf8)
{
    if (!any_high(s))
        return NULL;
    if (!utf8)
        return "octets above 127 need SMTPUTF8";
    if (!gp_str_utf8(s))
        return "not UTF-8";
    for (size_t i = 0; i + 1 < s.n; i++) {
        if ((unsigned char)s.p[i] == 0xC2 && (unsigned char)s.p[i + 1] < 0xA0)
            return "control character";
    }
    return NULL;
}

static bool is_atext(char c)
{
    return is_alnum(c) || is_high(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* take_dot_string - length of the Dot-string that ends at the first '@' or at the end of s */
static const char *take_dot_string(struct gp_str s, size_t *len)
{
    size_t i = 0;
    bool in_atom = false;

    for (; i < s.n && s.p[i] != '@'; i++) {
        if (s.p[i] == '.') {
            if (!in_atom)
                return "local part with a dot at its start or with two dots in a row";
            in_atom = false;
        } else if (is_atext(s.p[i])) {
            in_atom = true;
        } else {
            return "local part with a character that needs quotes";
        }
    }
    if (!in_atom)
        return i == 0 ? "no local part" : "local part with a dot at its end";
    *len = i;
    return NULL;
}

/* take_quoted - length of the Quoted-string at the start of s, with both quotes */
static const char *take_quoted(struct gp_str s, size_t *len)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '"') {
            *len = i + 1;
            return NULL;
        }
        if (s.p[i] == '\\') {
            i++;
            if (i == s.n)
                break;
            if (is_high(s.p[i]))
                return "only ASCII may follow a backslash";
        }
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
            return "control character";
    }
    return "quoted local part without its closing quote";
}

static const char *take_local(struct gp_str s, size_t *len)
{
    const char *why = s.n > 0 && s.p[0] == '"' ? take_quoted(s, len) : take_dot_string(s, len);

    if (why == NULL && *len > LOCAL_MAX)
        return "local part longer than 64 octets";
    return why;
}

/* u_label_len - octets of the A-label that IDNA2008 gives for this label, or 0 */
static size_t u_label_len(struct gp_str label)
{
    uint8_t z[GP_DOMAIN_MAX + 1], *ascii = NULL;
    size_t len = 0;

    memcpy(z, label.p, label.n);
    z[label.n] = '\0';
    if (idn2_lookup_u8(z, &ascii, IDN2_NO_TR46) == IDN2_OK)
        len = strlen((const char *)ascii);
    idn2_free(ascii);
    return len;
}

/* check_label - *len: the octets of its ASCII form */
static const char *check_label(struct gp_str label, size_t *len)
{
    if (label.n == 0)
        return "domain with an empty label";
    for (size_t i = 0; i < label.n; i++) {
        if (!is_alnum(label.p[i]) && !is_high(label.p[i]) && label.p[i] != '-')
            return "domain with a character other than letters, digits, hyphens and dots";
    }
    if (label.p[0] == '-' || label.p[label.n - 1] == '-')
        return "domain with a label that starts or ends with a hyphen";
    *len = any_high(label) ? u_label_len(label) : label.n;
    if (*len == 0)
        return "domain with a label that IDNA2008 does not allow";
    return *len > LABEL_MAX ? "domain with a label longer than 63 octets" : NULL;
}

/* check_domain - a Domain; octets above 127 were checked to be UTF-8 */
static const char *check_domain(struct gp_str s)
{
    struct gp_str rest = s, label = {NULL, 0};
    size_t ascii = 0, digits = 0;

    if (s.n == 0)
        return "no domain";
    if (s.n > GP_DOMAIN_MAX)
        return "domain longer than 255 octets";
    while (gp_str_split(&rest, '.', &label)) {
        size_t len = 0;
        const char *why = check_label(label, &len);
        if (why != NULL)
            return why;
        ascii += len + (rest.p != NULL);
    }
    if (ascii > GP_DOMAIN_MAX)
        return "domain longer than 255 octets";
    for (size_t i = 0; i < s.n; i++)
        digits += gp_is_digit(s.p[i]) || s.p[i] == '.';
    return digits == s.n ? "domain of digits only: an address stands in brackets" : NULL;
}

/* ipv4_literal - four Snum: one to three digits each, up to 255; leading zeros are in the grammar */
static bool ipv4_literal(struct gp_str s)
{
    struct gp_str part = {NULL, 0};
    uint64_t v = 0;
    int count = 0;

    while (gp_str_split(&s, '.', &part)) {
        if (part.n > 3 || !gp_str_u64(part, 255, &v))
            return false;
        count++;
    }
    return count == 4;
}

/* hex_groups - how many IPv6-hex stand in "a:b:c"; 0 for an empty text, -1 when one is malformed */
static int hex_groups(struct gp_str s)
{
    struct gp_str group = {NULL, 0};
    int count = 0;

    if (s.n == 0)
        return 0;
    while (gp_str_split(&s, ':', &group)) {
        if (group.n == 0 || group.n > 4)
            return -1;
        for (size_t i = 0; i < group.n; i++) {
            char c = group.p[i];
            if (!gp_is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
                return -1;
        }
        count++;
    }
    return count;
}

/* ipv6_literal - RFC 5321 4.1.3: stricter than RFC 4291, for "::" stands for two groups at least */
static bool ipv6_literal(struct gp_str s)
{
    int full = 8, left = 0, right = 0;
    size_t at = s.n;

    while (at > 0 && s.p[at - 1] != ':')
        at--;
    if (at > 0 && gp_str_find(from(s, at), '.') < s.n - at) {
        if (!ipv4_literal(from(s, at)))
            return false;
        full = 6;
        s.n = at >= 2 && s.p[at - 2] == ':' ? at : at - 1;
    }
    for (at = 0; at + 1 < s.n && (s.p[at] != ':' || s.p[at + 1] != ':'); at++)
        ;
    if (at + 1 >= s.n)
        return hex_groups(s) == full;
    left = hex_groups((struct gp_str){s.p, at});
    right = hex_groups(from(s, at + 2));
    return left >= 0 && right >= 0 && left + right <= full - 2;
}

/* check_literal - s with its brackets; of the tags of RFC 5321 only IPv6 is registered */
static const char *check_literal(struct gp_str s)
{
    const struct gp_str tag = GP_STR("IPv6:");
    struct gp_str inner = {NULL, 0};

    if (s.n < 2 || s.p[s.n - 1] != ']')
        return "address literal without its closing bracket";
    inner = (struct gp_str){s.p + 1, s.n - 2};
    if (gp_str_starts_nocase(inner, tag) ? ipv6_literal(from(inner, tag.n)) : ipv4_literal(inner))
        return NULL;
    return "address literal that is neither [IPv4] nor [IPv6:...]";
}

const char *gp_mailbox_parse(struct gp_str s, bool utf8, struct gp_mailbox *out)
{
    const char *why = check_high(s, utf8);
    struct gp_str domain;
    size_t len = 0;

    if (why == NULL)
        why = take_local(s, &len);
    if (why != NULL)
        return why;
    if (len == s.n)
        return "no domain";
    if (s.p[len] != '@')
        return "no @ after the quoted local part";
    domain = from(s, len + 1);
    why = domain.n > 0 && domain.p[0] == '[' ? check_literal(domain) : check_domain(domain);
    if (why != NULL)
        return why;
    if (s.n > GP_ADDRESS_MAX)
        return "address longer than 254 octets";
    *out = (struct gp_mailbox){.local = {s.p, len}, .domain = domain, .utf8 = any_high(s)};
    return NULL;
}

/* skip_route - take "@a,@b:" off the start of *s */
static const char *skip_route(struct gp_str *s, bool utf8)
{
    size_t colon = gp_str_find(*s, ':');
    struct gp_str route = {s->p, colon}, hop = {NULL, 0};
    const char *why = NULL;

    if (colon == s->n)
        return "no local part";
    while (why == NULL && gp_str_split(&route, ',', &hop)) {
        if (hop.n == 0 || hop.p[0] != '@' || !gp_domain_valid(from(hop, 1), utf8))
            why = "malformed source route";
    }
    *s = from(*s, colon + 1);
    return why;
}

const char *gp_path_parse(struct gp_str s, bool utf8, struct gp_mailbox *out)
{
    struct gp_str inner = {NULL, 0};

    if (s.n < 2 || s.p[0] != '<' || s.p[s.n - 1] != '>')
        return "no angle brackets around the address";
    if (s.n > PATH_MAX_OCTETS)
        return "path longer than 256 octets";
    inner = (struct gp_str){s.p + 1, s.n - 2};
    if (inner.n == 0 || gp_str_eq_nocase(inner, GP_STR("postmaster"))) {
        *out = (struct gp_mailbox){.local = inner, .domain = from(inner, inner.n)};
        return NULL;
    }
    if (inner.p[0] == '@') {
        const char *why = skip_route(&inner, utf8);
        if (why != NULL)
            return why;
    }
    return gp_mailbox_parse(inner, utf8, out);
}

struct gp_str gp_address_domain(struct gp_str address)
{
    for (size_t at = address.n; at > 0; at--) {
        if (address.p[at - 1] == '@')
            return (struct gp_str){address.p + at, address.n - at};
    }
    return GP_STR("");
}

bool gp_domain_in(struct gp_str domain, struct gp_str pattern)
{
    if (pattern.n == 0)
        return false;
    if (pattern.p[0] != '.')
        return gp_str_eq_nocase(domain, pattern);
    return domain.n > pattern.n && gp_str_eq_nocase(from(domain, domain.n - pattern.n), pattern);
}

bool gp_domain_valid(struct gp_str s, bool utf8)
{
    return check_high(s, utf8) == NULL && check_domain(s) == NULL;
}

bool gp_domain_ascii(struct gp_str s, char out[GP_DOMAIN_MAX + 1])
{
    char z[GP_DOMAIN_MAX + 1];
    uint8_t *ascii = NULL;
    struct gp_buf lower = gp_buf_on(z, sizeof z), b = gp_buf_on(out, GP_DOMAIN_MAX + 1);
    if (!gp_domain_valid(s, true))
        return false;
    gp_buf_put_lower(&lower, s);
    bool good = !any_high(s) || idn2_lookup_u8((const uint8_t *)z, &ascii, IDN2_NO_TR46) == IDN2_OK;
    if (good)
        gp_buf_putz(&b, ascii != NULL ? (const char *)ascii : z);
    idn2_free(ascii);
    return good && b.n <= DNS_NAME_MAX && !b.full;
}
