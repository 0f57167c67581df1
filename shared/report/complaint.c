/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * complaint.c - feedback reports: RFC 5965, and what was sent before it
 */
#include "shared/report/address_scan.h"
#include "shared/report/reading.h"

#define INCIDENTS_MAX 1000

static void add_address(struct gp_reading *r, struct gp_str value)
{
    struct gp_str address = gp_address_only(value);
    if (address.n > 0)
        gp_reading_add(r, gp_memory_lower(r->m, address));
}

/* fields of a feedback report; false when there is no Feedback-Type */
static bool read_fields(struct gp_reading *r, struct gp_str fields)
{
    struct gp_report *out = r->report;
    struct gp_field f;
    uint64_t incidents = 1;

    out->feedback.incidents = 1;
    while (gp_field_next(&fields, &f)) {
        if (gp_str_eq_nocase(f.name, GP_STR("Feedback-Type")) && out->feedback.type.n == 0)
            out->feedback.type = gp_memory_lower(r->m, gp_text_flat(r->m, f.value, 64));
        else if (gp_str_eq_nocase(f.name, GP_STR("Incidents")) &&
                 gp_str_u64(gp_str_trim(f.value), UINT32_MAX, &incidents))
            out->feedback.incidents = incidents > INCIDENTS_MAX ? INCIDENTS_MAX
                                      : incidents > 0           ? (unsigned)incidents
                                                                : 1;
        else if (gp_str_eq_nocase(f.name, GP_STR("Original-Rcpt-To")) ||
                 gp_str_eq_nocase(f.name, GP_STR("Removal-Recipient")))
            add_address(r, f.value);
    }
    return out->feedback.type.n > 0;
}

/* What Microsoft's program sends, and Amazon's for it: the message itself, with the recipient in a header of its own.
 */
static bool is_jmrp(const struct gp_reading *r)
{
    struct gp_str from = r->report->from;
    bool staff = gp_str_eq(from, GP_STR("staff@hotmail.com")) ||
                 gp_str_starts_nocase(from, GP_STR("complaints@email-abuse.")) ||
                 gp_str_starts_nocase(r->subject, GP_STR("complaint about message from"));

    return r->parts.returned.n > 0 &&
           (staff || gp_field_find(r->parts.returned, GP_STR("X-HmXmrOriginalRecipient")).n > 0);
}

/* whom the returned message was for, when the report does not say */
static void from_returned(struct gp_reading *r)
{
    static const struct gp_str names[] = {
        GP_STR("X-HmXmrOriginalRecipient"), GP_STR("X-Apparently-To"), GP_STR("Delivered-To"), GP_STR("To"), {"", 0}};

    for (const struct gp_str *n = names; n->n > 0 && r->report->recipients_n == 0; n++)
        add_address(r, gp_text_to(gp_field_find(r->parts.returned, *n), 512));
}

bool gp_read_feedback(struct gp_reading *r)
{
    bool declared = gp_str_eq(r->parts.report_type, GP_STR("feedback-report"));
    bool fields = r->parts.feedback.n > 0 && read_fields(r, r->parts.feedback);

    if (!fields && gp_text_has(r->human.lower, GP_STR("feedback-type:")))
        fields = read_fields(r, r->human.text);
    if (!fields && !declared && r->parts.feedback.n == 0 && !is_jmrp(r))
        return false;
    if (r->report->feedback.type.n == 0)
        r->report->feedback.type = GP_STR("abuse");
    if (r->report->feedback.incidents == 0)
        r->report->feedback.incidents = 1;
    from_returned(r);
    return true;
}
