/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * intake.h - the one way in for mail, from wherever: archived, read, judged, acted on, in one transaction
 *
 * The same octets to the same recipient are one message and are taken in once, however often they come. When gp_intake
 * says anything but AGAIN, the message and all it brought about are on the disk. Threads that come at the same time
 * share one transaction. Any thread.
 */
#ifndef GP_FEEDBACK_INTAKE_H
#define GP_FEEDBACK_INTAKE_H

#include "feedback/archive.h"
#include "feedback/dictionaries.h"

struct gp_intake;

/* gp_intake_new - archive and dictionaries stay the caller's; NULL (logged) when the database cannot be opened */
struct gp_intake *gp_intake_new(const char *database, struct gp_archive *archive, struct gp_dictionaries *dictionaries);
void gp_intake_free(struct gp_intake *in); /* no thread is in it; NULL is fine */

enum gp_taken {
    GP_TAKEN_DONE,        /* also when it was here before */
    GP_TAKEN_QUARANTINED, /* kept, but not acted on */
    GP_TAKEN_AGAIN        /* nothing happened: keep it and try again */
};

struct gp_incoming {
    const char *source;           /* "lmtp", "maildir", "pop3:<mailbox>" */
    struct gp_str sender;         /* of the envelope; "" for null */
    struct gp_str recipient;      /* of the envelope */
    bool no_envelope;             /* neither is known: the headers are asked */
    const struct gp_draft *draft; /* sealed */
    const char *mailbox;          /* POP3: remember uidl as taken in; else NULL */
    struct gp_str uidl;
};

/* gp_intake - take one message in; id[] is its name when it was taken */
enum gp_taken gp_intake(struct gp_intake *in, const struct gp_incoming *m, uint64_t now_ms, char id[GP_ARCHIVE_ID + 1]);

#endif
