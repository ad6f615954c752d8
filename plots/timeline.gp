# What each worker does when: a bar per clock, first waiting, then computing; the computing of
# every other clock is lighter. The first clocks and workers alone, so that there is something to
# see.
# Variables: file (workers.csv), clocks_shown, ranks_shown, output, picture.
load plots.'/style.gp'
c = int(clocks_shown)
r = int(ranks_shown)
half = 0.38
shown(x) = (column('clock') < c && column('rank') < r) ? x : NaN
turn(n, x) = (int(column('clock')) % 2 == n) ? shown(x) : NaN
ready(n) = column('start_s') + column('wait_s')
stats file using 'rank' nooutput
top = STATS_max < r - 1 ? STATS_max : r - 1
stats file using (shown(column('end_s'))) nooutput
set xrange [0:STATS_max*1.01]
set yrange [top+0.6:-0.6]
set xlabel sprintf('time (s); the first %d clocks', c)
set ylabel 'worker'
unset grid
if (top <= 16) set ytics 0,1
plot file using (shown(column('start_s'))):(column('rank')): \
       (column('start_s')):(ready(0)):(column('rank')-half):(column('rank')+half) \
       with boxxyerror lc rgb wait_colour title 'waiting', \
     for [n=0:1] file using (turn(n, column('start_s'))):(column('rank')): \
       (ready(0)):(ready(0)+column('compute_s')):(column('rank')-half):(column('rank')+half) \
       with boxxyerror lc rgb (n == 0 ? compute_colour : compute_colour_2) \
       title (n == 0 ? 'computing' : 'computing, odd clocks')
