# Delayed proximal gradients: what is left of the objective by steps, delay 16; the sum of squared moves as a share of its
# bound by the length of the steps.
# Variables: directory (of the sweep regret-proximal), output, picture.
width = 960
height = 450
load plots.'/style.gp'
scales = '0.25 0.5 1 1.25 1.5 1.75 2.1'
shown = '0.25 0.5 1 1.5 1.75'
delays = '0 4 16 64'
folder(delay, scale) = directory.'/loss-squared_delays-fixed_delay-'.delay.'_step-scale-'.scale.'_seed-1/metrics.csv'
stats folder('16', '0.5') using (column('objective')) nooutput
least = STATS_min
above(x) = x > least + 1e-12 ? x - least : NaN
set multiplot layout 1,2
set logscale y
set datafile missing NaN
set format y '10^{%T}'
set key inside top right vertical
set xlabel 'steps, delay 16'
set ylabel 'F(x_t) - min F'
set xrange [0:1500]
set yrange [1e-9:1e9]
plot for [i=1:5] folder('16', word(shown, i)) using (column('steps')):(above(column('objective'))) with lines \
     linetype i title 'step '.word(shown, i).' / ((1 + tau) L)'
set format x '%g'
set key inside top left vertical
set xlabel 'step, in units of 1 / ((1 + tau) L)'
set ylabel 'sum of squared moves / bound'
set xrange [0.2:2.2]
set yrange [3e-3:1e12]
set arrow from 1, graph 0 to 1, graph 0.62 nohead lc rgb '#444444' dt 3
set label 'longest step of the theorem' at 1.03, graph 0.58 textcolor rgb '#444444'
at_end(name) = column('steps') == 5000 ? column(name) : NaN
plot for [d=1:4] for [i=1:7] folder(word(delays, d), word(scales, i)) \
     using (real(word(scales, i))):(at_end('ratio')) with points linetype d ps 1.3 \
     title (i == 1 ? 'delay '.word(delays, d) : ''), 1 with lines lt 8 lw 2 dt 3 title 'the bound'
unset multiplot
