/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * covered.c - one row per header that is signed; the tag list of a client's signature
 */
#include "milter/covered.h"

#include "shared/taglist.h"

#define SIGNATURE 0
#define TAGS_MAX 32 /* of a signature; RFC 6376 knows 15 */

/* What a reader sees or a program acts on. Not what a relay on the way may change: Received, Return-Path. */
static const char *const names[] = {
    [SIGNATURE] = "DKIM-Signature",
    "From",
    "Sender",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "To",
    "Cc",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-ID",
    "Content-Description",
    "Content-Disposition",
    "Content-Language",
    "Resent-Date",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Resent-Message-ID",
    "In-Reply-To",
    "References",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
    "Feedback-ID",
    "Auto-Submitted",
    "X-Gatepost-Source",
    "X-Gatepost-Ref",
    "X-Gatepost-SPF",
    "X-Gatepost-Stream",
};
#define NAMES (sizeof names / sizeof names[0])
_Static_assert(NAMES < GP_COVERED_MAX, "a set has a bit for each");

unsigned gp_covered_number(struct gp_str name)
{
    for (unsigned i = 0; i < NAMES; i++) {
        if (gp_str_eq_nocase(name, gp_str_z(names[i])))
            return i;
    }
    return GP_COVERED_MAX;
}

uint64_t gp_covered_set(struct gp_str name)
{
    unsigned number = gp_covered_number(name);
    return number < GP_COVERED_MAX ? (uint64_t)1 << number : 0;
}

bool gp_covered_signed(unsigned number)
{
    return number != SIGNATURE && number < NAMES;
}

const char *gp_covered_name(unsigned number)
{
    return number < NAMES ? names[number] : NULL;
}

const char *const *gp_covered_once_more(void)
{
    static const char *const once_more[] = {
        "From", "Subject", "Date", "To", "List-Unsubscribe", "List-Unsubscribe-Post", NULL};
    return once_more;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* tag-name: a letter, then letters, digits and "_" */
static bool is_tag_name(struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
            return false;
    }
    return s.n > 0;
}

/* tag-value: printable ASCII without ";" (the list was split at it), and blanks */
static bool is_tag_value(struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_space(s.p[i]) && (s.p[i] <= ' ' || s.p[i] >= 0x7f))
            return false;
    }
    return true;
}

/* Finds the value of h= in the list; false when there is none, or when the list is wrong: also when two of its tags
 * have the same name.
 */
static bool find_names(struct gp_str list, struct gp_str *found)
{
    struct gp_str seen[TAGS_MAX], name, value;
    size_t n = 0;
    bool have = false;
    while (gp_tag_next(&list, &name, &value)) {
        if (n == TAGS_MAX || value.p == NULL || !is_tag_name(name) || !is_tag_value(value))
            return false;
        for (size_t i = 0; i < n; i++) {
            if (gp_str_eq(seen[i], name))
                return false;
        }
        seen[n++] = name;
        if (gp_str_eq(name, GP_STR("h"))) {
            have = true;
            *found = value;
        }
    }
    return have;
}

uint64_t gp_covered_by(struct gp_str value)
{
    struct gp_str list = {NULL, 0}, name;
    uint64_t set = 0;
    if (!find_names(value, &list))
        return 0;
    while (gp_str_split(&list, ':', &name)) {
        name = gp_str_trim(name);
        if (name.n == 0)
            return 0;
        for (size_t i = 0; i < name.n; i++) {
            if (is_space(name.p[i]))
                return 0;
        }
        set |= gp_covered_set(name);
    }
    return set;
}
