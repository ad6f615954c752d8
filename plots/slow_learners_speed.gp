# Speed against the number of learners, linear and quadratic, over that of one; and the share of waiting.
# Variables: directory (of the sweep slow-learners-speed), output, picture.
width = 960
height = 430
load plots.'/style.gp'
kinds = 'no yes'
names = 'linear quadratic'
groups = directory.'/groups.csv'
time_of(kind, n) = strcol('quadratic') eq kind && column('nodes') == n ? column('time_s') : NaN
array alone[2]
do for [q=1:2] {
    stats groups using (time_of(word(kinds, q), 1)) nooutput
    alone[q] = STATS_max
}
# Groups of the other kind are left out, not gaps in the curve.
set datafile missing NaN
set multiplot layout 1,2
set key inside top left vertical
set xlabel 'learners'
set xtics (1, 2, 4, 8)
set xrange [0.7:8.3]
set ylabel 'speed-up of a pass'
set yrange [0:9]
plot for [q=1:2] groups \
     using (strcol('quadratic') eq word(kinds, q) ? column('nodes') : NaN):(alone[q] / column('time_s')) \
     with linespoints linetype q title word(names, q), \
     [1:8] x with lines linetype 8 title 'ideal'
set key inside bottom right vertical
set ylabel 'share of the time that learners wait'
set yrange [0:1]
plot for [q=1:2] groups \
     using (strcol('quadratic') eq word(kinds, q) ? column('nodes') : NaN):(column('wait_share')) \
     with linespoints linetype q title word(names, q)
unset multiplot
