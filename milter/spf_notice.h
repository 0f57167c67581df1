/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_notice.h - what an agency is told of a domain whose DNS makes its mail fail (pure; any thread)
 */
#ifndef GP_MILTER_SPF_NOTICE_H
#define GP_MILTER_SPF_NOTICE_H

#include "milter/forecast.h"

#define GP_SPF_NOTICE_SUBJECT_MAX 512
#define GP_SPF_NOTICE_BODY_MAX 4096

/* gp_spf_notice - subject and body for notice.h, plain ASCII; f: gp_forecast_bad */
void gp_spf_notice(const struct gp_config *c, const struct gp_agency *a, const char *domain,
                   const struct gp_forecast *f, char subject[GP_SPF_NOTICE_SUBJECT_MAX],
                   char body[GP_SPF_NOTICE_BODY_MAX]);

#endif
