/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * smtp_said.h - what can be read out of the text of a server: codes, phase, host (pure; any thread)
 */
#ifndef GP_REPORT_SMTP_SAID_H
#define GP_REPORT_SMTP_SAID_H

#include "shared/report/report.h"

/* gp_said_reply - the reply code 4yz or 5yz; "" when there is none. A number that is none is not taken for one. */
struct gp_str gp_said_reply(struct gp_str text);

/* gp_said_status - the first enhanced code "4.y.z" or "5.y.z" (or 2.y.z at its very start); "" */
struct gp_str gp_said_status(struct gp_str text);

/* gp_said_phase - lower: text in lower case */
enum gp_report_phase gp_said_phase(struct gp_str lower);

/* gp_said_host - "host mx.example[1.2.3.4] said", "while talking to mx.example.:", ...; "" */
struct gp_str gp_said_host(struct gp_str text);

#endif
