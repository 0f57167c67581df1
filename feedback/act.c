/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * act.c - what was learnt becomes durable
 */
#include "feedback/act.h"
