/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Figures for the report of `make bench`: lines of what was measured, on what,
 * which figure, and its value, with tabs between them, appended to the file
 * that KVMGOV_FIGURES names. Without that nothing is written.
 */
#ifndef LIB_FIGURES_H
#define LIB_FIGURES_H

/* Ends the case when it cannot be written. */
void figures_put(const char *what, const char *item, const char *name, double value);

#endif
