# SPDX-License-Identifier: GPL-2.0-only
#
# gnuplot -e "data='FILE'; image='FILE'; kind='svg'; rows=N; first='...'; second='...'" chart.gp
#
# FILE has lines of: name, place of its bars from above, instructions on the
# first kernel, on the second, and 1 where it is kvmgov.

eval "set terminal " . kind . " size 760,(80 + 44 * rows) font 'sans-serif,13' background rgb 'white'"
set output image
set datafile separator "\t"
set label 1 "Instructions added to an exit and the entry after it (CPUID)" \
	at screen 0.02, screen 0.955 font "sans-serif,16"
set xrange [0:6200]
set yrange [rows - 0.4:-0.6]
set xtics 1000 nomirror format "%'.0f" textcolor rgb "#555555"
set ytics nomirror scale 0 textcolor rgb "#222222"
set grid xtics lt 1 lc rgb "#e2e2e2"
set border 2 lc rgb "#888888"
set lmargin 27
set rmargin 4
set tmargin 3.4
set key at graph 0.98, graph 0.97 right top samplen 1 spacing 1.3
set style fill solid noborder

half = 0.19
gap = 0.01
colour(ours) = ours > 0 ? 0x1b6ca8 : 0x8f9aa3
pale(ours) = ours > 0 ? 0x7db4dc : 0xc9cfd4

plot data using (0):($2 - half):(0):3:($2 - 2 * half):($2 - gap):(colour($5)):ytic(1) \
		with boxxyerror lc rgb variable notitle, \
	data using (0):($2 + half):(0):4:($2 + gap):($2 + 2 * half):(pale($5)) \
		with boxxyerror lc rgb variable notitle, \
	data using 3:($2 - half):(sprintf(" %.0f", $3)) with labels left font ",11" notitle, \
	data using 4:($2 + half):(sprintf(" %.0f", $4)) with labels left font ",11" notitle, \
	NaN with boxes lc rgb "#8f9aa3" title first, \
	NaN with boxes lc rgb "#c9cfd4" title second
